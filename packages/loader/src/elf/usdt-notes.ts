import { ByteView } from '../bytes';
import { type Binary } from './binary';
import { filePart } from './file-bytes';

/** A place in a binary that its author marked as a probe: USDT. */
export interface UsdtProbe {
  readonly provider: string;
  readonly name: string;
  /** Where the probe's instruction is in the file. */
  readonly offset: number;
  /** Where in the file the counter is that says whether anybody listens; undefined for a probe without. */
  readonly semaphore: number | undefined;
  /** Where its arguments are: `-4@%edi 8@-8(%rbp)`. */
  readonly arguments: string;
}

/** Type of a note that describes a probe, and the name of its owner. Source: sys/sdt.h of SystemTap. */
const NT_STAPSDT = 3;
const OWNER = 'stapsdt';

/**
 * The probes that `.note.stapsdt` describes, in its order. Addresses are corrected by how far prelink(8) moved the
 * binary, which `.stapsdt.base` tells, and turned into offsets in the file.
 *
 * Source of the format: sys/sdt.h, and "UserSpaceProbeImplementation" of SystemTap: three addresses (the probe, the base
 * section when it was linked, the semaphore or 0) and three strings.
 *
 * @returns none for a binary without such a section
 * @throws BpfError ELF_MALFORMED for a note that is cut short, or of a place that is not in the file
 *
 * @example
 * ```ts
 * usdtProbes(Binary.read(bytesOfFile('/bin/true', readFileSync('/bin/true')))); // []
 * ```
 */
export function usdtProbes(binary: Binary): UsdtProbe[] {
  const section = binary.section('.note.stapsdt');
  if (section === undefined) return [];
  const base = binary.section('.stapsdt.base')?.address;
  const view = filePart(binary.file, section, binary.littleEndian, section.name);
  const probes: UsdtProbe[] = [];
  for (let at = 0; at < view.length;) {
    const nameSize = view.u32(at);
    const size = view.u32(at + 4);
    const type = view.u32(at + 8);
    const description = at + 12 + aligned(nameSize);
    const bytes = view.slice(description, size);
    if (type === NT_STAPSDT && nameSize === OWNER.length + 1 && view.text(at + 12) === OWNER) {
      const note = new ByteView(bytes, binary.littleEndian, view.source);
      probes.push(probeOf(binary, note, base));
    }
    at = description + aligned(size);
  }
  return probes;
}

function probeOf(binary: Binary, note: ByteView, base: number | undefined): UsdtProbe {
  const location = note.size64(0, 'the address of a probe');
  const linkedBase = note.size64(8, 'the address of the base section');
  const counter = note.size64(16, 'the address of a semaphore');
  const provider = note.text(24);
  const nameAt = 24 + lengthAt(note, 24);
  const name = note.text(nameAt);
  const text = note.text(nameAt + lengthAt(note, nameAt));
  const moved = base === undefined || linkedBase === 0 ? 0 : base - linkedBase;
  const offset = binary.fileOffset(location + moved);
  if (offset === undefined)
    throw note.error(
      `the probe ${provider}:${name} is at address ${location + moved}, which no executable segment of the file has`,
      0,
    );
  const semaphore = counter === 0 ? undefined : binary.fileOffset(counter + moved, 'writable');
  if (counter !== 0 && semaphore === undefined)
    throw note.error(
      `the semaphore of ${provider}:${name} is at address ${counter + moved}, which no writable segment of the file has`,
      16,
    );
  return { provider, name, offset, semaphore, arguments: text };
}

/** Bytes of the string at an offset, its NUL included. */
function lengthAt(note: ByteView, offset: number): number {
  return note.bytes.indexOf(0, offset) - offset + 1;
}

/** Names and descriptions of notes are filled up to 4 bytes. */
function aligned(size: number): number {
  return Math.ceil(size / 4) * 4;
}
