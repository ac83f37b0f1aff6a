/* Programs whose section starts with a question mark: loaded only when asked for. Not for bpftool: it tries to pin what it did not load. */
#include "corpus.h"

int counter;

SEC("?xdp")
int only_on_request(struct xdp_md *ctx)
{
	return ++counter;
}

SEC("xdp")
int always(struct xdp_md *ctx)
{
	return XDP_PASS;
}
