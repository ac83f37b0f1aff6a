import { BpfError, type AttachmentPlace } from '@nx-bpf/loader';
import { type JsonShape, type LinkEntry } from '../manifest';
import { firstLedgerShape, ledgerShape } from './ledger-shape';
import { type TypeField } from './type-fields';

/**
 * What one apply put into the kernel for a project and environment. It is itself a frozen, pinned map, so it lives
 * exactly as long as the pins it names. Lists are sorted by name; ids are the kernel's, valid for its uptime.
 */
export interface Ledger {
  readonly format: 2;
  readonly project: string;
  readonly environment: string;
  readonly generation: number;
  /** The generation that a rollback went back to; null if it came from the manifest. */
  readonly rolledBackFrom: number | null;
  /** Digest of the merged manifest. */
  readonly revision: string;
  /** When the generation was committed, ISO 8601. */
  readonly committed: string;
  /** Identity of the kernel: its GNU build id. */
  readonly kernel: string;
  readonly objects: readonly ObjectIdentity[];
  readonly programs: readonly LedgerProgram[];
  readonly maps: readonly LedgerMap[];
  readonly links: readonly LedgerLink[];
}

/** What tells one version of an object from another. */
export interface ObjectIdentity {
  readonly name: string;
  /** SHA-256 of the object file. */
  readonly object: string;
  /** SHA-256 of the constants given to it. */
  readonly constants: string;
  /** Digest of the C files it was made from, and that of compiler and flags; null where the object was compiled elsewhere. */
  readonly sources: string | null;
  readonly toolchain: string | null;
}

/** What tells one version of a program from another, before it is loaded. */
export interface ProgramIdentity {
  readonly name: string;
  readonly object: string;
  readonly function: string;
  readonly section: string;
  readonly type: string;
  /** Instructions after linking. */
  readonly insns: number;
  /** SHA-256 of the relocated instructions with map fds zeroed. */
  readonly instructions: string;
  /** Full names of the maps it uses. */
  readonly maps: readonly string[];
}

export interface LedgerProgram extends ProgramIdentity {
  readonly id: number;
  readonly tag: string;
  /** `enum bpf_attach_type` it was loaded with, and what its section names: to attach it without its object. */
  readonly attachType: number;
  readonly attachTarget: string | null;
  /** Instructions that the verifier walked; 0: this kernel does not say. */
  readonly verified: number;
  /** SHA-256 of the translated instructions (see `translatedDigest`); null where they could not be seen. */
  readonly translated: string | null;
  /** The generation in which it was loaded. */
  readonly since: number;
}

export interface LedgerMap extends MapDefinition {
  readonly name: string;
  readonly id: number;
  /** Where it is pinned, undefined if it lives only through its programs. */
  readonly pin: string | undefined;
  /** The object that it is loaded anew with: see `DesiredMap`. Undefined for a map that lives on its own. */
  readonly object: string | undefined;
  /** The maps in its initial slots, as `index=name`. */
  readonly slots: readonly string[];
  /** SHA-256 of a frozen map's value, such as constants; null for maps that may change. */
  readonly frozen: string | null;
  /** Removed only if somebody insists. */
  readonly protect: boolean;
  /** It was pinned at the manifest's `pin: { path: ... }` before us: we use it, and never remove it. */
  readonly adopted: boolean;
  readonly since: number;
}

/** A map's shape as the kernel and its users see it: two maps with the same definition can stand for each other. */
export interface MapDefinition {
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** SHA-256 over the above, map_extra, the inner map and the BTF layout of key and value. */
  readonly abi: string;
  /** The fields of key and value; null without BTF. */
  readonly key: readonly TypeField[] | null;
  readonly value: readonly TypeField[] | null;
}

export interface LedgerLink {
  readonly id: string;
  /** What it runs: a program; of `struct_ops` the map of the struct. */
  readonly program: string;
  readonly hook: string;
  /** What people read: `xdp on eth0 (native)`. */
  readonly target: string;
  /** SHA-256 of `entry`'s hook and options. */
  readonly spec: string;
  /** As the manifest had it: to attach it again. */
  readonly entry: LinkEntry;
  readonly kernelId: number;
  /** Ids of all its links where it is several: those of a USDT probe before Linux 6.6. Ledgers before had none. */
  readonly parts?: readonly number[] | undefined;
  /** Where it is, for hooks without links; `kernelId` is 0 then. Ledgers before had none. */
  readonly place?: AttachmentPlace | undefined;
  /** The kernel's id of what it runs. */
  readonly programId: number;
  /** Ids of the programs at its attach point when it was committed, in their order; null where hooks keep none. */
  readonly neighbours: readonly number[] | null;
}

const magic = 0x4c_42_58_4e; // 'NXBL'
const headerBytes = 8;

/** The map value that holds a ledger: magic, length of the text, JSON. */
export function encodeLedger(ledger: Ledger): Buffer {
  const text = Buffer.from(JSON.stringify(ledger), 'utf8');
  const value = Buffer.alloc(headerBytes + text.length);
  value.writeUInt32LE(magic, 0);
  value.writeUInt32LE(text.length, 4);
  text.copy(value, headerBytes);
  return value;
}

/**
 * @throws BpfError STATE_INVALID when the value is not a ledger, or one of a format that this version does not know
 */
export function decodeLedger(value: Uint8Array, path: string): Ledger {
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const length = buffer.length >= headerBytes ? buffer.readUInt32LE(4) : -1;
  if (length < 0 || buffer.readUInt32LE(0) !== magic || length > buffer.length - headerBytes) {
    throw new BpfError('STATE_INVALID', `${path} is not a ledger of nx-bpf`, {
      path,
      hint: 'something else is pinned at this path; move it away, or choose another pin root',
    });
  }
  let ledger: { format?: unknown } | null;
  try {
    ledger = JSON.parse(buffer.toString('utf8', headerBytes, headerBytes + length)) as {
      format?: unknown;
    } | null;
  } catch (cause) {
    throw damaged(path, undefined, cause);
  }
  if (ledger?.format === 1) {
    check(ledger, firstLedgerShape, path);
    ledger = fromFormat1(ledger as LedgerFormat1);
  } else if (ledger?.format !== 2) {
    throw new BpfError('STATE_INVALID', `the ledger at ${path} was written by another version of nx-bpf`, {
      path,
      found: `format ${JSON.stringify(ledger?.format)}`,
      expected: 'format 1 or 2',
      hint: 'use the version that deployed it',
    });
  }
  check(ledger, ledgerShape, path);
  return ledger as Ledger;
}

function check(ledger: unknown, shape: JsonShape, path: string): void {
  const problem = shape(ledger, 'the ledger');
  if (problem !== undefined) throw damaged(path, problem);
}

function damaged(path: string, problem: string | undefined, cause?: unknown): BpfError {
  return new BpfError(
    'STATE_INVALID',
    `the ledger at ${path} is damaged${problem === undefined ? '' : `: ${problem}`}`,
    { path },
    cause,
  );
}

type Without<T, K extends keyof T> = Omit<T, K>;

/** What the first format had: what it did not record is unknown. */
interface LedgerFormat1 extends Without<
  Ledger,
  'format' | 'rolledBackFrom' | 'objects' | 'programs' | 'maps' | 'links'
> {
  readonly objects: readonly Without<ObjectIdentity, 'sources' | 'toolchain'>[];
  readonly programs: readonly Without<LedgerProgram, 'attachType' | 'attachTarget' | 'translated'>[];
  readonly maps: readonly Without<LedgerMap, 'key' | 'value' | 'frozen' | 'protect'>[];
  readonly links: readonly Without<LedgerLink, 'neighbours'>[];
}

function fromFormat1(ledger: LedgerFormat1): Ledger {
  return {
    ...ledger,
    format: 2,
    rolledBackFrom: null,
    objects: ledger.objects.map((object) => ({ ...object, sources: null, toolchain: null })),
    programs: ledger.programs.map((program) => ({
      ...program,
      attachType: 0,
      attachTarget: program.section.includes('/')
        ? program.section.slice(program.section.indexOf('/') + 1)
        : null,
      translated: null,
    })),
    maps: ledger.maps.map((map) => ({ ...map, key: null, value: null, frozen: null, protect: false })),
    links: ledger.links.map((link) => ({ ...link, neighbours: null })),
  };
}
