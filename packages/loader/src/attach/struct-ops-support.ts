import { BtfKind } from '../btf';
import { runningKernel } from '../kernel';

/**
 * Whether the running kernel, or a module that is loaded, lets programs implement a struct.
 *
 * @param link whether through a link, too (Linux 6.4): its types have the kernel's own `struct bpf_struct_ops_link` then
 *
 * @example
 * ```ts
 * hasStructOps('tcp_congestion_ops', false); // true
 * hasStructOps('no_such_ops', false); // false
 * ```
 */
export function hasStructOps(struct: string, link: boolean): boolean {
  const { btf, moduleNames, moduleBtf } = runningKernel();
  if (link && btf().find('bpf_struct_ops_link', BtfKind.STRUCT) === 0) return false;
  const value = `bpf_struct_ops_${struct}`;
  if (btf().find(value, BtfKind.STRUCT) !== 0) return true;
  return (moduleNames?.() ?? []).some((name) => moduleBtf!(name)?.find(value, BtfKind.STRUCT));
}
