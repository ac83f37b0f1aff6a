import { createHash } from 'node:crypto';
import { type Readable } from 'node:stream';
import { BpfError } from '@nx-bpf/loader/errors';

/** Changes when a helper could not answer what a caller before asked. */
const format = 1;

/** What the helper does; each has the name of its command. */
export const helperCommands = ['plan', 'apply', 'status', 'rollback', 'destroy'] as const;
export type HelperCommand = (typeof helperCommands)[number];

/** Options of a command that the helper takes: none of them is a path. */
export interface HelperOptions {
  readonly verify?: boolean | undefined;
  readonly detailedExitcode?: boolean | undefined;
  readonly repair?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly verbose?: boolean | undefined;
  readonly to?: number | undefined;
  /** Name of the file that the caller saves the plan as: for messages. */
  readonly out?: string | undefined;
}

/** What the helper is asked: one bundle, and what to do with it. */
export interface HelperRequest {
  readonly command: HelperCommand;
  readonly options: HelperOptions;
  /** Text of a saved plan, which is to be carried out. */
  readonly plan?: string | undefined;
  /** Text of the bundle's signature. */
  readonly signature?: string | undefined;
  /** The caller's terminal has colours. */
  readonly colours: boolean;
  readonly bundle: Uint8Array;
}

/** A line of the answer: text for people on one of the two streams; the plan to be saved; and, at last, the result. */
export type HelperLine =
  | { readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly save: string }
  | { readonly exitStatus: number; readonly result: unknown };

/** Bytes of the first line, which has a plan in it, and of a bundle. */
const longestHead = 16 << 20;
const largestBundle = 256 << 20;

/** A request as it goes over the wire: a line of JSON, and the bundle. */
export function encodeRequest({ bundle, ...rest }: HelperRequest): Buffer {
  const digest = createHash('sha256').update(bundle).digest('hex');
  const head = JSON.stringify({ format, ...rest, bundle: { bytes: bundle.length, sha256: digest } });
  return Buffer.concat([Buffer.from(`${head}\n`), bundle]);
}

/**
 * Reads a request; what comes after it stays in the stream.
 *
 * @throws BpfError BUNDLE_INVALID if it is none, too long, cut short, or the bundle's bytes are not those of the digest
 */
export async function readRequest(stream: Readable): Promise<HelperRequest> {
  const chunks: Buffer[] = [];
  let size = 0;
  let head: Head | undefined;
  stream.pause();
  const take = async (): Promise<boolean> => {
    const chunk = await nextChunk(stream);
    if (chunk === undefined) return false;
    chunks.push(chunk);
    size += chunk.length;
    return true;
  };
  while (head === undefined) {
    if (!(await take())) throw invalid('standard input ended before it was complete');
    const end = chunks.at(-1)!.indexOf('\n');
    if (end < 0 && size > longestHead) throw invalid(`its first line is longer than ${longestHead} bytes`);
    if (end < 0) continue;
    const all = Buffer.concat(chunks.splice(0));
    const newline = all.indexOf('\n');
    head = readHead(all.toString('utf8', 0, newline));
    chunks.push(all.subarray(newline + 1));
    size = all.length - newline - 1;
  }
  while (size < head.bundle.bytes) {
    if (!(await take())) throw invalid(`its bundle has ${size} bytes of ${head.bundle.bytes}`);
  }
  const bundle = Buffer.concat(chunks);
  if (bundle.length > head.bundle.bytes) throw invalid('there is more behind its bundle');
  const found = createHash('sha256').update(bundle).digest('hex');
  if (found !== head.bundle.sha256) {
    throw new BpfError('BUNDLE_INVALID', "the bundle's bytes are not those of its digest", {
      found,
      expected: head.bundle.sha256,
    });
  }
  const { command, options, plan, signature, colours } = head;
  return { command, options, plan, signature, colours, bundle: new Uint8Array(bundle) };
}

type Head = Omit<HelperRequest, 'bundle'> & {
  readonly bundle: { readonly bytes: number; readonly sha256: string };
};

const optionTypes: Readonly<Record<keyof HelperOptions, 'boolean' | 'number' | 'string'>> = {
  verify: 'boolean',
  detailedExitcode: 'boolean',
  repair: 'boolean',
  force: 'boolean',
  verbose: 'boolean',
  to: 'number',
  out: 'string',
};

function readHead(line: string): Head {
  let head: Partial<Head> & { format?: unknown };
  try {
    head = JSON.parse(line) as typeof head;
  } catch {
    throw invalid('its first line is no JSON');
  }
  if (typeof head !== 'object' || head === null || head.format !== format)
    throw invalid(`found format ${String(head?.format)}, expected ${format}`);
  const { command, options, plan, signature, colours, bundle } = head;
  if (!helperCommands.some((known) => known === command))
    throw invalid(`the helper does not '${String(command)}': it knows ${helperCommands.join(', ')}`);
  for (const [name, value] of Object.entries(options ?? {})) {
    const type = Object.hasOwn(optionTypes, name) ? optionTypes[name as keyof HelperOptions] : undefined;
    if (type === undefined || typeof value !== type)
      throw invalid(`option '${name}' is not one of the helper's`);
  }
  for (const text of [plan, signature])
    if (text !== undefined && typeof text !== 'string') throw invalid('a plan or signature that is no text');
  const bytes = bundle?.bytes;
  if (
    !Number.isSafeInteger(bytes) ||
    bytes! < 0 ||
    bytes! > largestBundle ||
    typeof bundle?.sha256 !== 'string'
  )
    throw invalid(`its bundle has no size up to ${largestBundle} bytes, or no digest`);
  return { command: command!, options: options ?? {}, plan, signature, colours: colours === true, bundle };
}

/** The next bytes of a stream that is paused; undefined at its end. */
function nextChunk(stream: Readable): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      stream.pause();
      stream.off('data', data).off('end', end).off('error', failed);
    };
    const data = (chunk: Buffer): void => (done(), resolve(chunk));
    const end = (): void => (done(), resolve(undefined));
    const failed = (error: Error): void => (done(), reject(error));
    stream.on('data', data).on('end', end).on('error', failed).resume();
  });
}

function invalid(problem: string): BpfError {
  return new BpfError('BUNDLE_INVALID', `what the helper was sent is no request: ${problem}`, {
    hint: 'nx-bpf sends it by itself: see privileges.helper in the manifest; caller and helper may be of two versions',
  });
}
