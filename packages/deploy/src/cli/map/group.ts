import { type Group, targetHelp, wholeNumber, withExamples, withOutput, withTarget } from '../group';

/** `nx-bpf map ...` */
export const mapGroup: Group = (program, finish) => {
  const map = program.command('map').description('elements of a map: dump, lookup, update, delete, watch');

  withExamples(
    withOutput(withTarget(map.command('dump').description('every element of a map'))).argument(
      '<map>',
      targetHelp,
    ),
    'nx-bpf map dump agent/commands',
    'nx-bpf map dump /sys/fs/bpf/hits --json | jq .[0].value',
  ).action(async (target: string, options: object) => {
    const { dump } = require('./dump') as typeof import('./dump');
    finish(await dump(target, options));
  });

  withExamples(
    withOutput(
      withTarget(
        map.command('lookup').description('the value of a key; of a queue or stack, its next value'),
      ),
    )
      .argument('<map>', targetHelp)
      .argument('[key]', 'see `nx-bpf map update --help`'),
    'nx-bpf map lookup agent/blocklist 10.0.0.0/8',
    'nx-bpf map lookup agent/commands text=bash --json',
  ).action((target: string, key: string | undefined, options: object) => {
    const { lookup } = require('./element') as typeof import('./element');
    finish(lookup(target, key, options));
  });

  map
    .command('update')
    .description('write an element; a queue or stack takes a value alone')
    .argument('<map>', targetHelp)
    .argument('<key>', 'key, or the value for a queue or stack')
    .argument('[value]')
    .option('--mode <mode>', 'any: write over it; new: it must not be there; existing: it must', 'any');
  const update = map.commands.at(-1)!;
  withOutput(withTarget(update))
    .addHelpText(
      'after',
      `
Keys and values are read as their C type says:
  integers       42, -1, 0xff                    enums     VERDICT_PASS, 1
  text           bash                            booleans  true, false
  structs        port=443,comm=nginx  or  {"port":443,"comm":"nginx"}
  arrays         [1,2,3]                         LPM keys  10.0.0.0/8, 2001:db8::/32
  bytes          hex:0a0b0c0d  or  "0a 0b 0c 0d"; without BTF only those, and integers of 1, 2, 4 or 8 bytes
Values of a map of programs or maps are named as targets are: pin, id, or PROJECT/NAME.
A value of a per-CPU map goes to every CPU; a JSON list has one for each.

Examples:
  nx-bpf map update agent/blocklist 10.0.0.0/8 1
  nx-bpf map update /sys/fs/bpf/flows 7 packets=1,bytes=64 --mode new`,
    )
    .action((target: string, key: string, value: string | undefined, options: object) => {
      const element = require('./element') as typeof import('./element');
      finish(element.update(target, key, value, options as { mode: string }));
    });

  withExamples(
    withOutput(
      withTarget(
        map.command('delete').description('remove an element; of a queue or stack, take its next value'),
      ),
    )
      .argument('<map>', targetHelp)
      .argument('[key]', 'see `nx-bpf map update --help`'),
    'nx-bpf map delete agent/blocklist 10.0.0.0/8',
  ).action((target: string, key: string | undefined, options: object) => {
    const element = require('./element') as typeof import('./element');
    finish(element.remove(target, key, options));
  });

  withExamples(
    withOutput(
      withTarget(map.command('watch').description('what changes in a map, until interrupted')),
      'a JSON value per line on stdout',
    )
      .argument('<map>', targetHelp)
      .option('--interval <ms>', 'how often to look, in milliseconds', wholeNumber(1), 1000)
      .option('--count <n>', 'end after this many changes', wholeNumber(1)),
    'nx-bpf map watch agent/verdicts --interval 500',
  ).action(async (target: string, options: object) => {
    const { watch } = require('./watch') as typeof import('./watch');
    finish(await watch(target, options as { interval: number }));
  });
};
