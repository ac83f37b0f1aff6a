/**
 * The first process of a guest: mounts what BPF needs, runs /command and turns the machine off.
 * Ports of the virtual serial device: 1 is the command's output, 2 its errors, 3 its exit status.
 */
export const init = `#!/bin/sh
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for module in $(cat /modules/order); do insmod "/modules/$module"; done
mount -t bpf bpf /sys/fs/bpf -o mode=0700
mount -t tracefs tracefs /sys/kernel/tracing -o mode=0700
mount -t securityfs securityfs /sys/kernel/security
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /tmp -o mode=1777
mount -t tmpfs tmpfs /run
ip link set lo up
export HOME=/root TERM=dumb
cd /root
/command >/dev/vport0p1 2>/dev/vport0p2 </dev/null
echo $? >/dev/vport0p3
poweroff -f
`;
