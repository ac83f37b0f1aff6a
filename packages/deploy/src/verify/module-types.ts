import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { BpfError, Btf, bytesOfFile, sectionOf } from '@nx-bpf/loader';

/** Where a module's types are in the file of all of them: offset and length. */
type Index = Readonly<Record<string, readonly [number, number]>>;

/**
 * Takes the types out of a kernel's modules and puts them into one file, `modules.btf`, with an index beside it. The
 * modules are unpacked where they are.
 */
export function packModules(modules: string, directory: string): void {
  const files = fs.existsSync(modules) ? modulesIn(modules) : [];
  const packed = files.filter((file) => file.endsWith('.xz'));
  // One process for all: there are a thousand and more.
  if (packed.length > 0) {
    const { status, error } = spawnSync('xz', ['-dqf', '--files'], { input: `${packed.join('\n')}\n` });
    if (status !== 0)
      throw new BpfError('FILE', `the modules of ${modules} cannot be unpacked by xz`, {}, error);
  }
  const index: Record<string, [number, number]> = {};
  const parts: Uint8Array[] = [];
  let end = 0;
  for (const file of files.map((each) => each.replace(/\.xz$/, '')).sort()) {
    const types = sectionOf(bytesOfFile(file, fs.readFileSync(file)), '.BTF');
    if (types === undefined) continue;
    index[path.basename(file, '.ko').replaceAll('-', '_')] = [end, types.length];
    parts.push(types);
    end += types.length;
  }
  fs.writeFileSync(path.join(directory, 'modules.btf'), Buffer.concat(parts));
  fs.writeFileSync(path.join(directory, 'modules.json'), JSON.stringify(index));
}

function modulesIn(directory: string): string[] {
  return fs
    .readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.ko(\.xz)?$/.test(file))
    .map((file) => path.join(directory, file));
}

/** The types of a kernel's modules, read when one is asked for. */
export class ModuleTypes {
  private readonly index: Index;
  private bytes: Uint8Array | undefined;
  private readonly read = new Map<string, Btf | undefined>();

  /** @param directory what `packModules` filled */
  constructor(private readonly directory: string) {
    this.index = JSON.parse(fs.readFileSync(path.join(directory, 'modules.json'), 'utf8')) as Index;
  }

  get names(): readonly string[] {
    return Object.keys(this.index).sort();
  }

  /** Split BTF on that of vmlinux; undefined for what is not there or cannot be read. */
  btf(name: string, base: Btf): Btf | undefined {
    if (!this.read.has(name)) this.read.set(name, this.parse(name, base));
    return this.read.get(name);
  }

  private parse(name: string, base: Btf): Btf | undefined {
    const place = Object.hasOwn(this.index, name) ? this.index[name] : undefined;
    if (place === undefined) return undefined;
    this.bytes ??= fs.readFileSync(path.join(this.directory, 'modules.btf'));
    const [start, length] = place;
    try {
      return Btf.parse(this.bytes.subarray(start, start + length), { base });
    } catch (error) {
      if (error instanceof BpfError) return undefined;
      throw error;
    }
  }
}
