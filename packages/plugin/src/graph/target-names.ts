/** The targets of a project with a manifest, by the names that they have unless nx.json says otherwise. */
export const targetNames = [
  'bpf-build',
  'bpf-bundle',
  'bpf-load',
  'bpf-plan',
  'bpf-report',
  'bpf-rollback',
  'bpf-status',
  'bpf-types',
  'bpf-unload',
  'bpf-verify',
] as const;

export type TargetName = (typeof targetNames)[number];
