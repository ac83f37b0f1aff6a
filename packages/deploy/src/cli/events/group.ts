import { type Group, targetHelp, wholeNumber, withExamples, withOutput, withTarget } from '../group';

/** `nx-bpf events` */
export const eventsGroup: Group = (program, finish) => {
  withExamples(
    withOutput(
      withTarget(
        program
          .command('events')
          .description('records of a ring buffer or perf event array as they come, until interrupted'),
      ),
      'a JSON value per line on stdout',
    )
      .argument('<map>', targetHelp)
      .option(
        '--type <type>',
        'C type of the records, such as `struct exec_event`; by default told by their size, else bytes',
      )
      .option('--btf <file>', 'where that type is: an object file or BTF, if the kernel does not have it')
      .option('--count <n>', 'end after this many records', wholeNumber(1)),
    'nx-bpf events agent/events',
    "nx-bpf events /sys/fs/bpf/raw/maps/events --type 'struct exec_event' --json --count 10",
  ).action(async (target: string, options: object) => {
    const { events } = require('./events') as typeof import('./events');
    finish(await events(target, options));
  });
};
