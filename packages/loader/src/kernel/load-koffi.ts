import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type koffi from 'koffi';

/** Processors as koffi's packages call them. */
const builds: Readonly<Record<string, string>> = { x64: 'linux_x64', arm64: 'linux_arm64' };

/**
 * koffi. Its JavaScript looks for the build that fits this processor and C library and adds functions that are not used
 * here: 4 of 5 ms. On glibc the build is where npm puts it, and is opened as it is; anywhere else koffi finds its own.
 */
export function loadKoffi(): typeof koffi {
  const build = directBuild();
  if (build !== undefined) {
    const module = { exports: {} };
    try {
      process.dlopen(module, build);
      return module.exports as typeof koffi;
    } catch {
      // Not for this C library after all: koffi says what is wrong.
    }
  }
  return createRequire(__filename)('koffi') as typeof koffi;
}

/** The file of koffi's build beside the koffi that `require` would find; undefined where that cannot be told. */
function directBuild(): string | undefined {
  const build = builds[process.arch];
  // Where musl is, both may be: then koffi looks which one Node is linked with.
  if (build === undefined || existsSync(`/lib/ld-musl-${process.arch === 'x64' ? 'x86_64' : 'aarch64'}.so.1`))
    return undefined;
  const koffiFolder = upwards(__dirname, 'koffi');
  return (
    koffiFolder &&
    upwards(realpathSync.native(koffiFolder), `@koromix/koffi-${build.replace('_', '-')}/${build}/koffi.node`)
  );
}

/** What `require` would find of a package, from a directory on. */
function upwards(from: string, name: string): string | undefined {
  for (let directory = from; ; directory = path.dirname(directory)) {
    const place = path.join(directory, 'node_modules', name);
    if (existsSync(place)) return place;
    if (directory === path.dirname(directory)) return undefined;
  }
}
