import fs from 'node:fs';
import path from 'node:path';
import {
  allMounts,
  Btf,
  btfBytes,
  closeFd,
  linkInfo,
  mapInfo,
  mapLookup,
  openPin,
  programCode,
  programInfo,
  withObject,
  type ProgramInfo,
} from '@nx-bpf/loader';
import { BpfError } from '@nx-bpf/loader/errors';
import { cardOwner, type Ledger } from '../state';
import { allDeployments, usualRoot, type Deployments, type Kind } from './find';

const idOf: Readonly<Record<Kind, (fd: number) => number>> = {
  program: (fd) => programInfo(fd).id,
  map: (fd) => mapInfo(fd).id,
  link: (fd) => linkInfo(fd).id,
};

/** Where objects of a kind are pinned, by id: every bpf file system that this process sees is walked. */
export function pinsOf(kind: Kind): Map<number, string[]> {
  const pins = new Map<number, string[]>();
  for (const file of allMounts('bpf').flatMap((mount) => filesUnder(mount))) {
    const id = idAt(kind, file);
    if (id !== undefined) pins.set(id, [...(pins.get(id) ?? []), file]);
  }
  return pins;
}

function filesUnder(directory: string): string[] {
  let entries: fs.Dirent[];
  try {
    entries = fs.readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const place = path.join(directory, entry.name);
      // `current` of a deployment is a symlink to what is found anyway.
      return entry.isDirectory() ? filesUnder(place) : entry.isFile() ? [place] : [];
    });
}

function idAt(kind: Kind, file: string): number | undefined {
  let fd: number;
  try {
    fd = openPin(file, kind);
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
  try {
    return idOf[kind](fd);
  } finally {
    closeFd(fd);
  }
}

/** Which deployment an object is of, and what it is called there. */
export interface Owned {
  /** `project/environment`. */
  readonly owner: string;
  readonly name: string;
}

/** What the ledgers under the pin root say, by id. */
export function ownersOf(kind: Kind, { root = usualRoot }: Deployments): Map<number, Owned> {
  const owners = new Map<number, Owned>();
  const note = (text: string): void => void process.stderr.write(`note: ${text}\n`);
  for (const ledger of allDeployments(root, note)) {
    const owner = `${ledger.project}/${ledger.environment}`;
    for (const [id, name] of entriesOf(kind, ledger)) owners.set(id, { owner, name });
  }
  return owners;
}

function entriesOf(kind: Kind, ledger: Ledger): (readonly [id: number, name: string])[] {
  switch (kind) {
    case 'program':
      return ledger.programs.map(({ id, name }) => [id, name] as const);
    case 'map':
      return ledger.maps.map(({ id, name }) => [id, name] as const);
    case 'link':
      return ledger.links.map(({ kernelId, id }) => [kernelId, id] as const);
  }
}

/** The kernel keeps 15 bytes of a name. */
const kernelNameLength = 15;

/** The whole name of a program's function, from its BTF, where the kernel's may be cut short. */
export function programName(fd: number, info: ProgramInfo): string {
  if (info.name.length < kernelNameLength || info.btfId === 0) return info.name;
  const { funcInfo, funcInfoSize } = programCode(fd);
  if (funcInfo.length < 8 || funcInfoSize < 8) return info.name;
  const typeId = new DataView(funcInfo.buffer, funcInfo.byteOffset).getUint32(4, true);
  const btf = programBtf(info.btfId);
  const full = btf === undefined || typeId >= btf.endId ? '' : btf.name(typeId);
  return full.startsWith(info.name) ? full : info.name;
}

/** The types that a program or map was loaded with; undefined where they may not be looked at. */
export function programBtf(id: number): Btf | undefined {
  if (id === 0) return undefined;
  try {
    const bytes = withObject('btf', id, btfBytes);
    return bytes && Btf.parse(bytes);
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

/** `project/environment` of a program whose deployment is not under the pin root: its card says so. */
export function ownerOnCard(info: ProgramInfo): string | undefined {
  for (const id of info.mapIds) {
    const owner = withObject('map', id, (fd) => {
      const { name, valueSize, maxEntries, keySize } = mapInfo(fd);
      if (!name.startsWith('nxbpf.rodata') || maxEntries !== 1 || keySize !== 4) return undefined;
      const value = new Uint8Array(valueSize);
      return mapLookup(fd, new Uint8Array(4), value) ? cardOwner(value) : undefined;
    });
    if (owner !== undefined) return owner;
  }
  return undefined;
}
