import { type Btf, BtfKind } from '../btf';
import { BpfError } from '../errors';
import { type ObjectSpec } from '../object';

const TAG = 'exception_callback:';

/**
 * The exception callbacks of an object's programs. A program names its callback with `__exception_cb(name)` of
 * libbpf's bpf_experimental.h, a declaration tag on its main function (Linux 6.7).
 */
export class ExceptionCallbacks {
  /** Name of the callback by the BTF id of the main function. */
  private readonly names: ReadonlyMap<number, string>;

  constructor(private readonly spec: ObjectSpec) {
    this.names = spec.btf === undefined ? new Map() : callbackNames(spec.btf);
  }

  /**
   * The callback of a main function, both as indices of functions; undefined for one that has none.
   *
   * @throws BpfError PROGRAM_INVALID when the callback is not in the object
   */
  of(main: number): number | undefined {
    const { name: object, functions } = this.spec;
    const fn = functions[main]!;
    const name = this.names.get(fn.typeId);
    if (name === undefined) return undefined;
    const callback = functions.findIndex((candidate) => candidate.name === name);
    if (callback >= 0) return callback;
    throw new BpfError('PROGRAM_INVALID', `${object}: exception callback of program '${fn.name}'`, {
      object,
      program: fn.name,
      symbol: name,
      found: `'${name}', which is not in the object`,
      hint: 'define it as a global function',
    });
  }
}

function callbackNames(btf: Btf): Map<number, string> {
  const names = new Map<number, string>();
  for (let id = btf.firstId; id < btf.endId; id++) {
    if (btf.kind(id) !== BtfKind.DECL_TAG || btf.declTagIndex(id) !== -1) continue;
    const tag = btf.name(id);
    if (tag.startsWith(TAG)) names.set(btf.type(id), tag.slice(TAG.length));
  }
  return names;
}
