import { type BpfError } from '../errors';
import { type Btf } from './btf';
import { BtfKind } from './kinds';

/**
 * How many types deep a type may be built up. The kernel gives up at 32 (MAX_RESOLVE_DEPTH in kernel/bpf/btf.c), and
 * an object whose types it refuses can still be loaded. A path of 64 members, as long as CO-RE follows one, fits in
 * with its typedefs; readers that follow types one into the other rely on some limit.
 */
export const MAX_NESTING = 200;

type Children = (btf: Btf, id: number) => readonly number[];

/** What a value of a type consists of. */
function contained(btf: Btf, id: number): readonly number[] {
  switch (btf.kind(id)) {
    case BtfKind.STRUCT:
    case BtfKind.UNION:
      return Array.from({ length: btf.vlen(id) }, (_, i) => btf.memberType(id, i));
    case BtfKind.ARRAY:
      return [btf.arrayElement(id)];
    case BtfKind.TYPEDEF:
    case BtfKind.VOLATILE:
    case BtfKind.CONST:
    case BtfKind.RESTRICT:
    case BtfKind.TYPE_TAG:
    case BtfKind.VAR:
      return [btf.type(id)];
    case BtfKind.DATASEC:
      return Array.from({ length: btf.vlen(id) }, (_, i) => btf.secVarType(id, i));
    default:
      return [];
  }
}

/** What a type is declared with, up to structs, which may point at themselves. */
function declared(btf: Btf, id: number): readonly number[] {
  switch (btf.kind(id)) {
    case BtfKind.STRUCT:
    case BtfKind.UNION:
      return [];
    case BtfKind.PTR:
    case BtfKind.FUNC:
      return [btf.type(id)];
    case BtfKind.FUNC_PROTO:
      return [btf.type(id), ...Array.from({ length: btf.vlen(id) }, (_, i) => btf.paramType(id, i))];
    default:
      return contained(btf, id);
  }
}

/**
 * Refuses types that contain themselves, or are declared by themselves without a struct in between, and types that
 * are built up too deep. In time proportional to the BTF; a base is taken to be sound.
 */
export function checkNesting(btf: Btf, error: (id: number, what: string) => BpfError): void {
  checkDepth(btf, contained, error);
  checkDepth(btf, declared, error);
}

const OPEN = 0xff;

/** Depth first with a stack of our own: depths of finished types, OPEN for those on the stack. */
function checkDepth(btf: Btf, children: Children, error: (id: number, what: string) => BpfError): void {
  const depths = new Uint8Array(btf.endId - btf.firstId);
  const stack: { id: number; children: readonly number[]; next: number; deepest: number }[] = [];
  const enter = (id: number): void => {
    depths[id - btf.firstId] = OPEN;
    stack.push({ id, children: children(btf, id), next: 0, deepest: 0 });
  };
  for (let root = btf.firstId; root < btf.endId; root++) {
    if (depths[root - btf.firstId] === 0) enter(root);
    while (stack.length > 0) {
      const frame = stack.at(-1)!;
      const child = frame.children[frame.next];
      if (child === undefined) {
        if (frame.deepest >= MAX_NESTING)
          throw error(frame.id, `is built up of more than ${MAX_NESTING} others`);
        depths[frame.id - btf.firstId] = frame.deepest + 1;
        stack.pop();
        continue;
      }
      const depth = child < btf.firstId ? 1 : depths[child - btf.firstId]!;
      if (depth === OPEN) throw error(child, 'contains itself, or is declared by itself');
      if (depth === 0) {
        enter(child);
        continue;
      }
      frame.deepest = Math.max(frame.deepest, depth);
      frame.next++;
    }
  }
}
