import { BpfError } from '../errors';
import { closeFd, failure, Fd, mapCreate, moduleBtfFd, withToken } from '../kernel';
import { type MapSpec } from '../object';
import { type CreateContext } from './create-map';

/** `BPF_F_VTYPE_BTF_OBJ_FD` of uapi/linux/bpf.h: the value's type is in a module's BTF (Linux 6.9). */
const BPF_F_VTYPE_BTF_OBJ_FD = 1 << 15;

/**
 * BPF_MAP_CREATE of a struct_ops map, whose value is a struct of the kernel, not of the object. The kernel wants the
 * object's BTF all the same (map_create() in kernel/bpf/syscall.c).
 *
 * @throws BpfError BTF_REJECTED when the kernel took no BTF of the object, MAP_CREATE_FAILED, PRIVILEGE_MISSING,
 *   EXTERN_UNRESOLVED when the module is not loaded
 */
export function createStructOps(spec: MapSpec, { btf, token }: CreateContext): Fd {
  const what = `struct_ops '${spec.name}'`;
  const { kernelType } = spec.structOps!;
  if (kernelType === undefined)
    throw new BpfError('INTERNAL', `${what} was not relocated`, { map: spec.name });
  if (btf === undefined)
    throw new BpfError('BTF_REJECTED', `${what} needs the object's BTF, which the kernel refused`, {
      map: spec.name,
      section: spec.section,
    });
  const module = kernelType.module === undefined ? undefined : openModule(what, spec, kernelType.module);
  try {
    const result = mapCreate({
      map_type: spec.type,
      key_size: spec.keySize,
      value_size: spec.valueSize,
      max_entries: spec.maxEntries,
      map_flags: withToken(module === undefined ? spec.flags : spec.flags | BPF_F_VTYPE_BTF_OBJ_FD, token),
      map_token_fd: token,
      map_name: spec.kernelName,
      btf_fd: btf,
      btf_vmlinux_value_type_id: kernelType.typeId,
      value_type_btf_obj_fd: module,
    });
    if (result >= 0) return new Fd(result, what);
    throw failure(`${what}: BPF_MAP_CREATE`, result, {
      code: 'MAP_CREATE_FAILED',
      map: spec.name,
      section: spec.section,
      needs: ['CAP_BPF'],
      hint: spec.section.endsWith('.link')
        ? 'struct_ops with links take Linux 6.4: use SEC(".struct_ops") on older kernels'
        : 'the running kernel has the type of this struct_ops, but does not let BPF implement it',
    });
  } finally {
    if (module !== undefined) closeFd(module);
  }
}

function openModule(what: string, spec: MapSpec, module: string): number {
  const fd = moduleBtfFd(module);
  if (fd !== undefined) return fd;
  throw new BpfError('EXTERN_UNRESOLVED', `${what}: types of kernel module '${module}' are not there`, {
    map: spec.name,
    symbol: module,
    hint: `the object was relocated while the module was loaded: load it (modprobe ${module}), or relocate anew`,
  });
}
