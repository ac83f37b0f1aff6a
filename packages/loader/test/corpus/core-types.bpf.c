/* CO-RE on whole types: does it exist, does its shape match, its size, its id here and in the kernel. */
#include "corpus.h"

struct no_such_struct {
	int field;
};

struct path___shape {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

__u32 sizes[3];
__u32 ids[2];

SEC("tc")
int types(struct __sk_buff *skb)
{
	int found = 0;

	found |= bpf_core_type_exists(struct task_struct) << 0;
	found |= bpf_core_type_exists(struct no_such_struct) << 1;
	found |= bpf_core_type_exists(union bpf_attr) << 2;
	found |= bpf_core_type_exists(enum pid_type) << 3;
	found |= bpf_core_type_exists(pid_t) << 4;
	found |= bpf_core_type_matches(struct path___shape) << 5;
	sizes[0] = bpf_core_type_size(struct path);
	sizes[1] = bpf_core_type_size(struct list_head);
	sizes[2] = bpf_core_type_size(struct no_such_struct);
	ids[0] = bpf_core_type_id_kernel(struct task_struct);
	ids[1] = bpf_core_type_id_local(struct path___shape);
	return found + sizes[0] + sizes[1] + sizes[2];
}
