import { type Group, withExamples, withOutput } from '../group';

/** `nx-bpf types` */
export const typesGroup: Group = (program, finish) => {
  withExamples(
    withOutput(
      program
        .command('types')
        .description('TypeScript types of maps, variables and events, and a class that opens them typed')
        .argument('[object]', 'an object file, or a project of the workspace; the one around by default'),
    )
      .option(
        '-o, --output <file>',
        'where to write them: standard output for an object, src/bpf-types.ts of a project',
      )
      .option('-e, --env <name>', "environment of the project; its pins are the file's default"),
    'nx-bpf types edge.bpf.o -o src/edge.ts',
    'nx-bpf types agent',
  ).action(async (target: string | undefined, options: object) => {
    const { types } = require('./types') as typeof import('./types');
    finish(await types(target, options));
  });
};
