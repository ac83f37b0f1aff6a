import { type Btf, BtfKind } from '../btf';
import { BpfError } from '../errors';
import { type ObjectSpec } from '../object';

const TAG = 'exception_callback:';

/**
 * Exception callbacks by main function, both as indices of functions. A program names its callback with
 * `__exception_cb(name)` of libbpf's bpf_experimental.h, a declaration tag on the main function (Linux 6.7).
 *
 * @throws BpfError PROGRAM_INVALID when a callback is not in the object
 */
export function exceptionCallbacks(spec: ObjectSpec): ReadonlyMap<number, number> {
  const callbacks = new Map<number, number>();
  const names = spec.btf === undefined ? new Map<number, string>() : callbackNames(spec.btf);
  if (names.size === 0) return callbacks;
  const byName = new Map(spec.functions.map((fn, index) => [fn.name, index]));
  spec.functions.forEach((fn, index) => {
    const name = names.get(fn.typeId);
    if (name === undefined) return;
    const callback = byName.get(name);
    if (callback === undefined) {
      throw new BpfError('PROGRAM_INVALID', `${spec.name}: exception callback of program '${fn.name}'`, {
        object: spec.name,
        program: fn.name,
        symbol: name,
        found: `'${name}', which is not in the object`,
        hint: 'define it as a global function',
      });
    }
    callbacks.set(index, callback);
  });
  return callbacks;
}

/** By the BTF id of the function that is tagged. */
function callbackNames(btf: Btf): Map<number, string> {
  const names = new Map<number, string>();
  for (let id = btf.firstId; id < btf.endId; id++) {
    if (btf.kind(id) !== BtfKind.DECL_TAG || btf.declTagIndex(id) !== -1) continue;
    const tag = btf.name(id);
    if (tag.startsWith(TAG)) names.set(btf.type(id), tag.slice(TAG.length));
  }
  return names;
}
