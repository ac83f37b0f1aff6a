/* A program that user space runs with a context of its own making. */
#include "corpus.h"

struct arguments {
	__u64 left, right;
	__u64 product;
};

__u32 runs;

SEC("syscall")
int multiply(struct arguments *arguments)
{
	runs++;
	arguments->product = arguments->left * arguments->right;
	return 40 + runs;
}
