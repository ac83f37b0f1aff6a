import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runningKernel } from '../../packages/loader/src/kernel';
import { loadObject } from '../../packages/loader/src/load';
import { parseObject, type MapSpec } from '../../packages/loader/src/object';
import { relocateObject, type RelocatedObject } from '../../packages/loader/src/relocate';
import { type Handles } from './handles';

/** An object file relocated against the running kernel. It is named after the file, as bpftool names it. */
export function relocateFile(file: string): RelocatedObject {
  const name = path.basename(file).replace(/(\.bpf)?\.o$/, '');
  return relocateObject(parseObject(readFileSync(file), { name }), runningKernel());
}

/** Loads a relocated object with our own loader, without pins. Maps that want a pin of their own get it in `pinRoot`. */
export function loadRelocated(relocated: RelocatedObject, pinRoot: string): Handles {
  const loaded = loadObject(relocated, { pinRoot });
  return {
    programs: new Map(loaded.programs.map(({ spec, fd }) => [spec.name, fd.release()])),
    maps: new Map(loaded.maps.map(({ spec, fd }) => [pinName(spec), fd.release()])),
  };
}

/** Sections whose maps libbpf names after the object. */
const plainSections = new Set(['.data', '.rodata', '.bss', '.kconfig']);

/** The name under which bpftool pins a map. */
function pinName(map: MapSpec): string {
  return (plainSections.has(map.name) ? map.kernelName : map.name).replaceAll('.', '_');
}
