/* Values of the kernel's configuration: an integer, a boolean, a tristate, a string, one that is missing, the version. */
#include "corpus.h"

extern int LINUX_KERNEL_VERSION __kconfig;
extern unsigned int CONFIG_HZ __kconfig;
extern bool CONFIG_BPF_SYSCALL __kconfig;
extern enum libbpf_tristate CONFIG_BPF_JIT __kconfig __weak;
extern char CONFIG_LOCALVERSION[16] __kconfig;
extern __u64 CONFIG_NOT_INVENTED __kconfig __weak;

SEC("tc")
int configuration(struct __sk_buff *skb)
{
	return CONFIG_HZ + CONFIG_BPF_SYSCALL * 1000 + (CONFIG_BPF_JIT == TRI_YES) * 10000 + CONFIG_LOCALVERSION[1] +
	       CONFIG_NOT_INVENTED + (LINUX_KERNEL_VERSION > 0x040000) * 100000;
}
