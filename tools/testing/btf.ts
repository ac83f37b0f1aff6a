import { type Btf, BtfKind, kindName, Linkage } from '../../packages/loader/src/btf';
import { ElfFile } from '../../packages/loader/src/elf';

/** C whose BTF has every kind that clang writes, and every way in which a member can lie in a struct. */
export const btfSample = `
#define SEC(name) __attribute__((section(name), used))
typedef unsigned char __u8;
typedef unsigned int __u32;
typedef unsigned long long __u64;

enum color { RED, GREEN = -2, BLUE = 7 };
enum wide { NARROW = 1, WIDE = 0xffffffffffULL };
enum negative { LOWEST = -0x7fffffffffffffffLL, HIGHEST = 1 };
struct forward;
union forward_union;

struct __attribute__((packed)) inner { __u8 low : 3; __u8 high : 5; int number; };

struct all {
  char name[16];
  char names[2][4];
  struct inner inners[2];
  enum color color;
  enum wide wide;
  enum negative negative;
  union { __u32 word; __u8 bytes[4]; struct { __u8 first; __u8 second; }; };
  _Bool on;
  double precise;
  float coarse;
  int (*function)(int, const char *, ...);
  struct all *next;
  struct forward *forward;
  union forward_union *forward_union;
  const volatile long *restrict pointer;
  long long bits : 5;
  __u32 unsigned_bits : 20;
  enum color color_bits : 4;
  _Bool flag : 1;
  long long many_bits : 40;
  __u64 last;
  unsigned __int128 huge;
  __u32 tail[];
};

struct task_struct { int pid; };
struct task_struct___old { int pid; };
struct task_struct___new { int pid __attribute__((btf_decl_tag("tagged"))); } __attribute__((preserve_access_index));
typedef int __attribute__((btf_type_tag("user"))) *tagged;

struct all everything = { .name = "abc" };
struct task_struct task;
struct task_struct___old old;
tagged pointer;
const volatile int first = 1;
const volatile __u8 table[3][4] = { { 1 } };
static int counter;
extern int kernel_function(int a) SEC(".ksyms");

__attribute__((noinline)) static int helper(int value) { return value + counter++; }
SEC("xdp") int one(struct task_struct___new *context) {
  return helper(context->pid) + first + table[1][2] + everything.color;
}
SEC("tc") int two(void *context) { return kernel_function(first) + everything.color; }
char _license[] SEC("license") = "GPL";
`;

/** The bytes of `.BTF` and `.BTF.ext` of an object. */
export function btfSections(object: Uint8Array): { readonly btf: Uint8Array; readonly ext: Uint8Array } {
  const elf = ElfFile.parse(object, { object: 'test.o' });
  return { btf: elf.section('.BTF')!.data.slice(), ext: elf.section('.BTF.ext')!.data.slice() };
}

/** All own types as `bpftool btf dump ... format raw` prints them. */
export function dumpRaw(btf: Btf): string[] {
  const lines: string[] = [];
  for (let id = btf.firstId; id < btf.endId; id++) {
    lines.push(`[${id}] ${kindName(btf.kind(id))} ${quoted(btf.name(id))}${properties(btf, id)}`);
    lines.push(...elements(btf, id).map((line) => `\t${line}`));
  }
  return lines;
}

function quoted(name: string): string {
  return `'${name || '(anon)'}'`;
}

function properties(btf: Btf, id: number): string {
  const kind = btf.kind(id);
  switch (kind) {
    case BtfKind.VOID:
      return '';
    case BtfKind.INT:
      return ` size=${btf.size(id)} bits_offset=${btf.intOffset(id)} nr_bits=${btf.intBits(id)} encoding=${
        ['(none)', 'SIGNED', 'CHAR', 'UNKN', 'BOOL'][btf.intEncoding(id)]
      }`;
    case BtfKind.PTR:
    case BtfKind.TYPEDEF:
    case BtfKind.VOLATILE:
    case BtfKind.CONST:
    case BtfKind.RESTRICT:
    case BtfKind.TYPE_TAG:
      return ` type_id=${btf.type(id)}`;
    case BtfKind.ARRAY:
      return ` type_id=${btf.arrayElement(id)} index_type_id=${btf.arrayIndex(id)} nr_elems=${btf.arrayLength(id)}`;
    case BtfKind.STRUCT:
    case BtfKind.UNION:
    case BtfKind.DATASEC:
      return ` size=${btf.size(id)} vlen=${btf.vlen(id)}`;
    case BtfKind.ENUM:
    case BtfKind.ENUM64:
      return ` encoding=${btf.kindFlag(id) ? 'SIGNED' : 'UNSIGNED'} size=${btf.size(id)} vlen=${btf.vlen(id)}`;
    case BtfKind.FWD:
      return ` fwd_kind=${btf.kindFlag(id) ? 'union' : 'struct'}`;
    case BtfKind.FUNC:
      return ` type_id=${btf.type(id)} linkage=${linkageName(btf.linkage(id))}`;
    case BtfKind.FUNC_PROTO:
      return ` ret_type_id=${btf.type(id)} vlen=${btf.vlen(id)}`;
    case BtfKind.VAR:
      return ` type_id=${btf.type(id)}, linkage=${linkageName(btf.linkage(id))}`;
    case BtfKind.FLOAT:
      return ` size=${btf.size(id)}`;
    case BtfKind.DECL_TAG:
      return ` type_id=${btf.type(id)} component_idx=${btf.declTagIndex(id)}`;
  }
}

function elements(btf: Btf, id: number): string[] {
  const each = (line: (i: number) => string): string[] =>
    Array.from({ length: btf.vlen(id) }, (_, i) => line(i));
  switch (btf.kind(id)) {
    case BtfKind.STRUCT:
    case BtfKind.UNION:
      return each((i) => {
        const bitfield = btf.memberBitfieldSize(id, i);
        const width = bitfield === 0 ? '' : ` bitfield_size=${bitfield}`;
        return `${quoted(btf.memberName(id, i))} type_id=${btf.memberType(id, i)} bits_offset=${btf.memberBitOffset(id, i)}${width}`;
      });
    case BtfKind.ENUM:
      return each((i) => `${quoted(btf.enumName(id, i))} val=${btf.enumValue(id, i)}`);
    case BtfKind.ENUM64:
      return each(
        (i) => `${quoted(btf.enumName(id, i))} val=${btf.enumValue(id, i)}${btf.kindFlag(id) ? 'LL' : 'ULL'}`,
      );
    case BtfKind.FUNC_PROTO:
      return each((i) => `${quoted(btf.paramName(id, i))} type_id=${btf.paramType(id, i)}`);
    case BtfKind.DATASEC:
      return each((i) => {
        const type = btf.secVarType(id, i);
        const target = `${kindName(btf.kind(type))} ${quoted(btf.name(type))}`;
        return `type_id=${type} offset=${btf.secVarOffset(id, i)} size=${btf.secVarSize(id, i)} (${target})`;
      });
    default:
      return [];
  }
}

function linkageName(linkage: number): string {
  return (
    { [Linkage.STATIC]: 'static', [Linkage.GLOBAL]: 'global', [Linkage.EXTERN]: 'extern' }[linkage] ??
    '(unknown)'
  );
}
