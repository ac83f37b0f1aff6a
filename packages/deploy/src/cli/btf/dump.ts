import fs from 'node:fs';
import { Btf, btfBytes, BtfKind, kernelBtfBytes, moduleBtfBytes, printC, withObject } from '@nx-bpf/loader';
import { BpfError, nearest } from '@nx-bpf/loader/errors';
import { btfOf } from '../../toolchain';
import { done } from '../group';
import { type Outcome } from '../request';
import { writeOut } from '../stdout';
import { describeType, rawLine, reachable } from './describe';

/** Options of `nx-bpf btf dump`. */
export interface BtfDumpOptions {
  id?: number;
  format: string;
  type?: string;
  output?: string;
  json?: boolean;
}

const formats = ['c', 'raw', 'json'];

/** `nx-bpf btf dump` */
export async function dump(source: string, options: BtfDumpOptions): Promise<Outcome> {
  const format = options.json ? 'json' : options.format;
  if (!formats.includes(format)) {
    throw new BpfError('USAGE', `--format ${format}`, { expected: formats.join(', ') });
  }
  const btf = options.id === undefined ? fromSource(source) : fromId(options.id);
  const roots = options.type === undefined ? undefined : typesNamed(btf, options.type);
  const pieces =
    format === 'c' ? [printC(btf, { types: roots, guard: guardOf(source) })] : lines(btf, format, roots);
  if (options.output === undefined) await write(pieces, writeOut);
  else await toFile(options.output, pieces);
  return done;
}

function guardOf(source: string): string {
  return source === 'kernel' ? '__VMLINUX_H__' : '__BTF_TYPES_H__';
}

function* lines(btf: Btf, format: string, roots: readonly number[] | undefined): Generator<string> {
  const ids = roots === undefined ? allTypes(btf) : reachable(btf, roots);
  if (format === 'raw') {
    for (const id of ids) yield `${rawLine(btf, id)}\n`;
    return;
  }
  let separator = '{"types":[';
  for (const id of ids) {
    yield `${separator}${JSON.stringify(describeType(btf, id))}`;
    separator = ',\n';
  }
  yield separator === ',\n' ? ']}\n' : '{"types":[]}\n';
}

function* allTypes(btf: Btf): Generator<number> {
  for (let id = btf.firstId; id < btf.endId; id++) yield id;
}

async function write(pieces: Iterable<string>, out: (text: string) => Promise<boolean>): Promise<void> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < 1 << 18) continue;
    if (!(await out(text))) return;
    text = '';
  }
  await out(text);
}

async function toFile(file: string, pieces: Iterable<string>): Promise<void> {
  try {
    const fd = fs.openSync(file, 'w');
    try {
      await write(pieces, (text) => {
        fs.writeSync(fd, text);
        return Promise.resolve(true);
      });
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    if (error instanceof BpfError) throw error;
    throw new BpfError('FILE', `${file} cannot be written`, { path: file }, error);
  }
}

function fromSource(source: string): Btf {
  if (source === 'kernel') return Btf.parse(kernelBtfBytes(), { trusted: true });
  if (!fs.existsSync(source) && !source.includes('/')) {
    const bytes = moduleBtfBytes(source);
    if (bytes !== undefined)
      return Btf.parse(bytes, { base: Btf.parse(kernelBtfBytes(), { trusted: true }) });
  }
  let bytes: Uint8Array;
  try {
    bytes = fs.readFileSync(source);
  } catch (error) {
    throw new BpfError(
      'FILE',
      `${source} cannot be read`,
      { path: source, hint: 'name `kernel`, a loaded module, or a file' },
      error,
    );
  }
  return Btf.parse(btfOf(bytes, source), { object: source });
}

/** Types of modules build on the kernel's. */
function fromId(id: number): Btf {
  const found = withObject('btf', id, btfBytes);
  if (found === undefined)
    throw new BpfError('BTF_MISSING', `no BTF has the id ${id}`, { symbol: String(id) });
  const kernel = Btf.parse(kernelBtfBytes(), { trusted: true });
  try {
    return Btf.parse(found);
  } catch (error) {
    if (error instanceof BpfError && error.code === 'BTF_MALFORMED')
      return Btf.parse(found, { base: kernel });
    throw error;
  }
}

const keywords: Readonly<Record<string, readonly BtfKind[]>> = {
  struct: [BtfKind.STRUCT],
  union: [BtfKind.UNION],
  enum: [BtfKind.ENUM, BtfKind.ENUM64],
};
const anyKind: readonly BtfKind[] = [
  BtfKind.STRUCT,
  BtfKind.UNION,
  BtfKind.TYPEDEF,
  BtfKind.ENUM,
  BtfKind.ENUM64,
];

function typesNamed(btf: Btf, type: string): number[] {
  const [, keyword, name = type] = /^(struct|union|enum)\s+(\w+)$/.exec(type) ?? [];
  const kinds = (keyword === undefined ? undefined : keywords[keyword]) ?? anyKind;
  const found = kinds.flatMap((kind) => btf.findAll(name, kind));
  if (found.length > 0) return found;
  const names = new Set<string>();
  for (let id = btf.firstId; id < btf.endId; id++) {
    if (kinds.includes(btf.kind(id))) names.add(btf.name(id));
  }
  const near = nearest(name, names);
  throw new BpfError('BTF_MISSING', `there is no type '${type}'`, {
    symbol: type,
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : undefined,
  });
}
