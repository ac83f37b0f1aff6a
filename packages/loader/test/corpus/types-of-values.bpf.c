/* Keys and values of many BTF kinds: typedefs, unions, nested structs, enums, arrays of arrays, bitfields, pointers, function pointers, a forward declaration. */
#include "corpus.h"

struct nowhere_defined;

typedef struct {
	__u8 octets[6];
} __attribute__((packed)) address_t;

union word {
	__u64 whole;
	struct {
		__u32 low, high;
	};
	__u8 bytes[8];
};

enum level { LOW = -1, MIDDLE, HIGH };
enum wide { SMALL = 1, LARGE = 0x100000000ULL };

struct value {
	address_t address;
	union word word;
	enum level level;
	enum wide wide;
	int matrix[2][3];
	unsigned int a : 3, b : 13, : 0, c : 1;
	__s64 negative : 40;
	struct nowhere_defined *pointer;
	int (*function)(const volatile char *restrict text, ...);
	const bool done;
	__int128 huge;
} __attribute__((aligned(16)));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, address_t);
	__type(value, struct value);
} many SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, enum level);
	__type(value, union word);
} by_level SEC(".maps");

SEC("tc")
int touch(struct __sk_buff *skb)
{
	address_t key = { .octets = { 1, 2, 3, 4, 5, 6 } };
	struct value value = { .level = HIGH, .wide = LARGE, .a = 5 };
	enum level level = MIDDLE;
	union word *word = bpf_map_lookup_elem(&by_level, &level);

	if (word)
		word->high = 1;
	return bpf_map_update_elem(&many, &key, &value, BPF_ANY);
}
