import { type Group, targetHelp, wholeNumber, withExamples, withOutput, withTarget } from '../group';

/** `nx-bpf prog ...` */
export const progGroup: Group = (program, finish) => {
  const prog = program.command('prog').description('programs in the kernel: list, dump, run, stats');

  withExamples(
    withOutput(
      prog.command('list').description('every program: names in full, whose it is, where it is pinned'),
    )
      .option('--root <dir>', 'pin root of the deployments; /sys/fs/bpf/nx-bpf by default')
      .option('--type <type>', 'only programs of this type, such as xdp'),
    'nx-bpf prog list --type xdp',
    'nx-bpf prog list --json | jq \'.[] | select(.owner == "agent/dev").id\'',
  ).action((options: object) => {
    const { list } = require('./list') as typeof import('./list');
    finish(list(options));
  });

  withExamples(
    withOutput(
      withTarget(
        prog.command('dump').description('its instructions as the verifier left them, with lines of C'),
      ),
    )
      .argument('<program>', targetHelp)
      .option('--opcodes', 'the bytes of each instruction too')
      .option('--no-source', 'without lines of C'),
    'nx-bpf prog dump agent/edge_guard',
    'nx-bpf prog dump 42 --opcodes --no-source',
  ).action((target: string, options: object) => {
    const { dump } = require('./dump') as typeof import('./dump');
    finish(dump(target, options as { source: boolean }));
  });

  withExamples(
    withOutput(withTarget(prog.command('run').description('run it on data of your own (BPF_PROG_TEST_RUN)')))
      .argument('<program>', targetHelp)
      .option(
        '--data <data>',
        'packet: hex digits, or @FILE of bytes; 64 zero bytes for programs that need one',
      )
      .option(
        '--context <context>',
        'hex digits, @FILE, or JSON: an object of struct xdp_md or __sk_buff, or a list of the arguments of a raw tracepoint',
      )
      .option('--repeat <n>', 'how often, for a mean duration', wholeNumber(1), 1)
      .option('--data-out <file>', 'where to write the packet as the program left it'),
    'nx-bpf prog run agent/edge_guard --data @packet.bin --repeat 1000',
    `nx-bpf prog run /sys/fs/bpf/classify --data 'ffffffffffff 000000000000 0800' --context '{"mark":7}'`,
  ).action((target: string, options: object) => {
    const { run } = require('./run') as typeof import('./run');
    finish(run(target, options as { repeat: number }));
  });

  withExamples(
    withOutput(
      withTarget(prog.command('stats').description('runs and time of programs, live, until interrupted')),
      'a JSON list per interval on stdout, a line each',
    )
      .argument('[program...]', `${targetHelp}; every program that runs by default`)
      .option('--interval <ms>', 'in milliseconds', wholeNumber(10), 1000)
      .option('--count <n>', 'end after this many intervals', wholeNumber(1)),
    'nx-bpf prog stats agent/edge_guard --interval 500',
  ).action(async (targets: string[], options: object) => {
    const { stats } = require('./stats') as typeof import('./stats');
    finish(await stats(targets, options as { interval: number }));
  });
};
