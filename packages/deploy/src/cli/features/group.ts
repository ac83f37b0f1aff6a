import { type Group, withExamples, withOutput } from '../group';

/** `nx-bpf features` */
export const featuresGroup: Group = (program, finish) => {
  withExamples(
    withOutput(program.command('features').description('what the running kernel can do, found by asking it')),
    'nx-bpf features',
    "nx-bpf features --json | jq '.hooks[] | select(.attaches == false).name'",
  ).action((options: object) => {
    const { features } = require('./features') as typeof import('./features');
    finish(features(options));
  });
};
