import { describe, expect, test } from 'vitest';
import { compile } from '../../../tools/testing/compile';
import { kernelSuite } from '../../../tools/testing/kernel';
import { BpfError, loadObject, parseObject, relocateObject, runningKernel } from '../src';

/**
 * Mistakes whose message by other loaders is an errno, silence or the wrong cause. Each text says what was found,
 * where, and what to do about it.
 */

const head = `
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
`;
const license = '\nchar LICENSE[] SEC("license") = "GPL";';
const map = (fields: string) =>
  `struct { ${fields} } m SEC(".maps"); SEC("socket") int p(void *ctx) { __u64 k = 0; return bpf_map_lookup_elem(&m, &k) != 0; }`;
const array = '__uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);';

interface Mistake {
  readonly name: string;
  readonly source: string;
  readonly message: RegExp;
  readonly debug?: boolean;
  readonly unlicensed?: boolean;
}

const mistakes: readonly Mistake[] = [
  {
    name: 'max_entries left out',
    source: map('__uint(type, BPF_MAP_TYPE_ARRAY); __type(key, int); __type(value, int);'),
    message: /map 'm': max_entries is 0; set it in the source, as __uint\(max_entries, 1024\)/,
  },
  {
    name: 'an array with a key of 8 bytes',
    source: map(`${array} __type(key, long); __type(value, int);`),
    message: /map 'm' \(array, key 8 .*EINVAL.*the key of an array is 4 bytes/,
  },
  {
    name: 'a map of maps without a template',
    source: map(
      '__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 1); __uint(key_size, 4); __uint(value_size, 4);',
    ),
    message: /map 'm'.*a map of maps needs a template: __array\(values, struct/,
  },
  {
    name: 'an attribute with a slip of the pen',
    source: map('__uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entires, 1);'),
    message: /map 'm': found the unknown attribute 'max_entires'; did you mean 'max_entries'\?/,
  },
  {
    name: 'a map without BTF',
    source: map(`${array} __type(key, int); __type(value, int);`),
    debug: false,
    message: /its maps are defined in section \.maps, but it has no BTF for them; compile with -g/,
  },
  {
    name: 'a static map',
    source: `static struct { ${array} __type(key, int); __type(value, int); } m SEC(".maps");
      SEC("socket") int p(void *ctx) { int k = 0; return bpf_map_lookup_elem(&m, &k) != 0; }`,
    message: /map 'm' is static; remove 'static'/,
  },
  {
    name: 'a variable that nobody defines',
    source: 'extern int nowhere; SEC("socket") int p(void *ctx) { return nowhere; }',
    message: /extern 'nowhere', used at .*:6: no variable of this name is in the object; define it/,
  },
  {
    name: 'a function that nobody defines',
    source: 'int nowhere(void); SEC("socket") int p(void *ctx) { return nowhere(); }',
    message: /extern 'nowhere', used at .*:6: no function of this name is in the object; define it/,
  },
  {
    name: 'a section name with a slip of the pen',
    source: 'SEC("kprob/do_nanosleep") int p(void *ctx) { return 0; }',
    message:
      /program 'p': its section name says no program type: found SEC\("kprob\/do_nanosleep"\); did you mean SEC\("kprobe\/do_nanosleep"\)/,
  },
  {
    name: 'a function of the kernel that is not there',
    source: 'SEC("fentry/do_nanoslep") int p(void *ctx) { return 0; }',
    message:
      /program 'p' \(fentry\/do_nanoslep\): found no function 'do_nanoslep' in this kernel; did you mean do_nanosleep/,
  },
  {
    name: 'an LSM hook that is not there, of a cgroup',
    source: 'SEC("lsm_cgroup/socket_bnd") int p(void *ctx) { return 1; }',
    message: /no LSM hook 'socket_bnd' in this kernel; did you mean socket_bind/,
  },
  {
    name: 'no target for a program that needs one',
    source: 'SEC("fsession") int p(void *ctx) { return 0; }',
    message:
      /program 'p' \(fsession\): found no function or hook that it is for; name it: SEC\("fsession\/\.\.\."\)/,
  },
  {
    name: 'a field that the kernel does not have',
    source: `struct task_struct { int no_such_field; } __attribute__((preserve_access_index));
      SEC("tp_btf/sched_switch") int p(void *ctx) {
        struct task_struct *task = (void *)bpf_get_current_task(); return BPF_CORE_READ(task, no_such_field); }`,
    message: /struct task_struct\.no_such_field .*bpf_core_field_exists/s,
  },
  {
    name: 'no licence for a helper that wants one',
    source:
      'SEC("raw_tp/sched_switch") int p(void *ctx) { char b[8]; return bpf_probe_read_kernel(b, 8, ctx); }',
    unlicensed: true,
    message: /GPL.*SEC\("license"\)/s,
  },
  {
    name: 'a configuration value that no kernel has',
    source: `extern int CONFIG_NO_SUCH_THING __kconfig; SEC("socket") int p(void *ctx) { return CONFIG_NO_SUCH_THING; }`,
    message:
      /extern 'CONFIG_NO_SUCH_THING', used at .*: it is not set in the kernel's configuration; declare it __weak/,
  },
  {
    name: 'a kfunc that no kernel has',
    source: `extern void bpf_rcu_read_lok(void) __ksym; SEC("tp_btf/sched_switch") int p(void *ctx) { bpf_rcu_read_lok(); return 0; }`,
    message: /neither vmlinux nor a loaded module has a kfunc of this name; did you mean bpf_rcu_read_lock/,
  },
  {
    name: 'a variable in an arena without one',
    source: `int __attribute__((address_space(1))) x SEC(".addr_space.1"); SEC("syscall") int p(void *ctx) { return x; }`,
    message:
      /variables of section '\.addr_space\.1' have no arena to be in; define a map of type BPF_MAP_TYPE_ARENA/,
  },
  {
    name: 'a function of the kernel that it does not let anybody trace',
    source: 'SEC("fentry/do_nanosleep") int p(void *ctx) { return 0; }',
    message: /BPF_PROG_LOAD: EPERM .*programs of this kind need a BPF trampoline/,
  },
  {
    name: 'a pinning that is none',
    source: map(`${array} __type(key, int); __type(value, int); __uint(pinning, 9);`),
    message: /map 'm'.*pinning.*9/,
  },
  {
    name: 'a size of the key that contradicts its type',
    source: map(`${array} __uint(key_size, 8); __type(key, int); __type(value, int);`),
    message: /map 'm'.*key.*8.*4|map 'm'.*key.*4.*8/,
  },
  {
    name: 'a static program',
    source: '__attribute__((used)) SEC("socket") static int p(void *ctx) { return 0; }',
    message: /'p'.*static/,
  },
  {
    name: 'jumps through a table',
    source: `SEC("socket") __attribute__((naked)) int p(void *ctx) {
      asm volatile(".pushsection .jumptables,\\"\\",@progbits; table: .quad 0; .size table, 8; .global table; .popsection;"
        "r0 = table ll; r0 = 0; exit"); }`,
    message:
      /program 'p': a jump table: BPF_MAP_CREATE: EINVAL .*jump tables take Linux 6\.19: compile with -fno-jump-tables/,
  },
  {
    name: 'a program of a struct_ops that no variable holds',
    source: 'SEC("struct_ops/f") int p(void *ctx) { return 0; }',
    message: /program 'p'.*no member of a struct_ops variable.*put it into one: SEC\("\.struct_ops"\)/,
  },
  {
    name: 'an endless loop',
    source: 'SEC("socket") int p(void *ctx) { for (;;) asm volatile(""); return 0; }',
    message: /(infinite loop|back-edge).*bound/s,
  },
];

kernelSuite('the text of an error', () => {
  test('an object of the other byte order is read and relocated, not loaded', () => {
    const source = `${head}const volatile int rate = 3; SEC("socket") int p(void *ctx) { return rate; }${license}`;
    const spec = parseObject(compile(source, { bigEndian: true }), { name: 'x' });
    const relocated = relocateObject(spec, runningKernel());
    expect(() => loadObject(relocated)).toThrow(
      /^x: the object: found big endian, expected little endian.*-target bpfel/,
    );
  });

  test.each(mistakes)('$name', ({ source, message, debug = true, unlicensed = false }) => {
    const error = failure(head + source + (unlicensed ? '' : license), debug);
    expect(error.message).toMatch(message);
    expect(error.message).not.toMatch(/memlock|ulimit/i);
    expect(error.fields.object).toBe('x');
  });
});

describe('files that are no BPF object', () => {
  test.each([
    ['empty', new Uint8Array(), /empty|0 bytes|ELF/],
    ['text', new TextEncoder().encode('int main() { return 0; }\n'.repeat(10)), /ELF/],
    ['cut short', compile('int x;').subarray(0, 100), /x:/],
    ['of x86', withMachine(compile('int x;'), 62), /BPF/],
  ])('%s', (_, bytes, message) => {
    try {
      parseObject(bytes, { name: 'x' });
    } catch (error) {
      expect(error).toBeInstanceOf(BpfError);
      expect((error as BpfError).message).toMatch(message);
      return;
    }
    expect.unreachable('it was read');
  });
});

function failure(source: string, debug: boolean): BpfError {
  const bytes = compile(source, { debug, flags: ['-Wno-unknown-attributes'] });
  try {
    const spec = parseObject(bytes, { name: 'x' });
    loadObject(relocateObject(spec, runningKernel())).close();
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('it was loaded');
}

/** A copy with another `e_machine`. */
function withMachine(elf: Uint8Array, machine: number): Uint8Array {
  const copy = elf.slice();
  new DataView(copy.buffer).setUint16(18, machine, true);
  return copy;
}
