/* Global variables of every kind: initialised, zero, constant; scalars, arrays, structs; offsets into the middle of them. */
#include "corpus.h"

struct pair {
	__u32 left;
	__u64 right;
};

int initialised = 17;
__u64 zero;
const volatile int constant = 5;
const volatile struct pair constant_pair = { .left = 1, .right = 0x1122334455667788ULL };
struct pair pairs[3] = { { 1, 2 }, { 3, 4 }, { 5, 6 } };
__u8 bytes[300];
__s16 signed_short = -2;
bool flag = true;
char text[12] = "hello";
double number = 1.5;
enum colour { RED = 1, GREEN = 2, BLUE = 1 << 20 } colour = BLUE;
static volatile int static_initialised = 23;
static volatile __u32 static_zero;
static const volatile __u16 static_constant[4] = { 10, 20, 30, 40 };

SEC("xdp")
int use_all(struct xdp_md *ctx)
{
	static volatile __u32 local_to_the_function = 2;
	__u32 index = ctx->rx_queue_index & 3;

	zero += 2;
	bytes[250] = 1;
	static_zero++;
	static_initialised++;
	local_to_the_function++;
	pairs[2].right += bytes[250];
	return initialised + zero + constant + constant_pair.left + (constant_pair.right & 0xff) + pairs[1].left +
	       pairs[2].right + signed_short + flag + text[4] + (colour >> 18) + static_initialised + static_zero +
	       static_constant[index] + local_to_the_function;
}
