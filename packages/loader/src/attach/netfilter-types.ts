/**
 * Where netfilter runs BPF programs. Source: include/uapi/linux/netfilter.h (NFPROTO_*, enum nf_inet_hooks);
 * bpf_nf_link_attach() in net/netfilter/nf_bpf_link.c takes these families alone.
 */
export const netfilterFamilies = { ipv4: 2, ipv6: 10 } as const;

export const netfilterHooks = {
  prerouting: 0,
  local_in: 1,
  forward: 2,
  local_out: 3,
  postrouting: 4,
} as const;

export type NetfilterFamily = keyof typeof netfilterFamilies;
export type NetfilterHook = keyof typeof netfilterHooks;

/** `ipv4 local_in at priority -100`. */
export function netfilterText(place: {
  readonly pf: number;
  readonly hooknum: number;
  readonly priority: number;
}): string {
  const family = nameOf(netfilterFamilies, place.pf) ?? `family ${place.pf}`;
  const hook = nameOf(netfilterHooks, place.hooknum) ?? `hook ${place.hooknum}`;
  return `${family} ${hook} at priority ${place.priority}`;
}

function nameOf(table: Readonly<Record<string, number>>, number: number): string | undefined {
  return Object.keys(table).find((name) => table[name] === number);
}
