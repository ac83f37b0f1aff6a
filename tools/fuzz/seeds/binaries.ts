import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compileTraced } from '../../testing/user-binary';

let made: readonly Uint8Array[] | undefined;

/** Small executables and shared objects with functions, versions and USDT probes, of two processors. */
export function seedBinaries(): readonly Uint8Array[] {
  return (made ??= compileAll());
}

function compileAll(): readonly Uint8Array[] {
  const directory = mkdtempSync(path.join(tmpdir(), 'nx-bpf-fuzz-'));
  try {
    // Pages of zeros say nothing: segments lie close together here.
    const flags = ['-Wl,-z,noseparate-code', '-Wl,-z,max-page-size=64', '-Wl,-z,norelro'];
    return (['x86_64', 'aarch64'] as const).flatMap((architecture) =>
      [false, true].map((shared) => {
        const file = path.join(directory, `${architecture}-${shared}`);
        return new Uint8Array(readFileSync(compileTraced(file, { architecture, shared, flags })));
      }),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}
