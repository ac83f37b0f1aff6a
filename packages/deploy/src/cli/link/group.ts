import { type Group, targetHelp, withExamples, withOutput, withTarget } from '../group';

/** `nx-bpf link ...` */
export const linkGroup: Group = (program, finish) => {
  const link = program.command('link').description('links, programs on their hooks: list, detach');

  withExamples(
    withOutput(
      link.command('list').description('every link: its hook and place, its program, where it is pinned'),
    )
      .option('--hook <hooks>', 'only these hooks, comma separated: xdp, tcx, cgroup, tp_btf, ...')
      .option('--root <dir>', 'pin root of the deployments; /sys/fs/bpf/nx-bpf by default'),
    'nx-bpf link list --hook xdp,tcx',
  ).action((options: object) => {
    const { list } = require('./list') as typeof import('./list');
    finish(list(options));
  });

  withExamples(
    withOutput(withTarget(link.command('detach').description('take a program off its hook, pins or not')))
      .argument('<link>', targetHelp)
      .addHelpText(
        'after',
        '\nPins of the link stay, defunct. `nx-bpf status` will call a link of a deployment severed; `nx-bpf apply` attaches it anew.',
      ),
    'nx-bpf link detach /sys/fs/bpf/guard-link',
    'nx-bpf link detach agent/uplink',
  ).action((target: string, options: object) => {
    const { detach } = require('./detach') as typeof import('./detach');
    finish(detach(target, options));
  });
};
