import { type Feature } from './feature';
import { loadFile } from './loader';

/** Programs of `hooks.bpf.c` that are only loaded: section, function, first version of Linux, and what it must be built with. */
const programs: readonly (readonly [section: string, program: string, since: string, ...needs: string[]])[] =
  [
    ['lsm.s', 'on_lsm_sleepable', '5.11', 'CONFIG_BPF_LSM', 'CONFIG_FUNCTION_TRACER'],
    ['cgroup/connect_unix', 'on_connect_unix', '6.7'],
    ['iter/task', 'on_iter', '5.8'],
    ['syscall', 'on_syscall', '5.14'],
  ];

export const programFeatures: readonly Feature[] = programs.map(([section, program, since, ...needs]) => ({
  name: section,
  group: 'Programs',
  since,
  needs,
  use: (trial) => loadFile(trial.object('hooks'), { programs: [program] }).close(),
}));
