/* Visible, hidden, weak and static variables, each kind in a section of its own. */
#include "corpus.h"

#define IN(name) __attribute__((section(name)))

int visible IN(".data.visible") = 1;
__hidden int hidden IN(".data.hidden") = 2;
static volatile int local IN(".data.local") = 3;
__weak int weak = 4;
static volatile int in_bss;

SEC("xdp")
int add(struct xdp_md *ctx)
{
	in_bss++;
	return visible + hidden + local + weak + in_bss;
}
