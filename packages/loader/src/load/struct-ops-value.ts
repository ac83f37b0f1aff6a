import { BpfError } from '../errors';
import { type MapSpec } from '../object';

/**
 * What is written into a struct_ops map to register it: the variable of the object as the kernel's struct, with the
 * fds of its programs. Writing it (BPF_MAP_UPDATE_ELEM, key 0) makes the kernel use it at once, unless it came from
 * `.struct_ops.link`: then a link does.
 *
 * @param programFd fd of the loaded program by the index of its function
 * @throws BpfError PROGRAM_NOT_FOUND when one of the programs is not loaded
 *
 * @example
 * ```ts
 * const { spec, fd } = loaded.map('my_congestion_control');
 * const byFunction = new Map(loaded.programs.map((program) => [program.spec.function, program.fd.number]));
 * mapUpdate(fd.number, new Uint8Array(4), structOpsValue(spec, (index) => byFunction.get(index)));
 * ```
 */
export function structOpsValue(
  spec: MapSpec,
  programFd: (functionIndex: number) => number | undefined,
): Uint8Array {
  const value = new Uint8Array(spec.valueSize);
  if (spec.data !== undefined) value.set(spec.data);
  const view = new DataView(value.buffer);
  for (const slot of spec.slots) {
    const fd = 'function' in slot ? programFd(slot.function) : undefined;
    if (fd === undefined)
      throw new BpfError(
        'PROGRAM_NOT_FOUND',
        `struct_ops '${spec.name}': the program at byte ${slot.index}`,
        {
          map: spec.name,
          found: 'it not loaded',
          hint: 'load all programs of a struct_ops together',
        },
      );
    view.setBigUint64(slot.index, BigInt(fd), true);
  }
  return value;
}
