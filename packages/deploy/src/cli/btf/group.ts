import { type Group, wholeNumber, withExamples, withOutput } from '../group';

/** `nx-bpf btf ...` */
export const btfGroup: Group = (program, finish) => {
  const btf = program.command('btf').description('types: dump');

  withExamples(
    withOutput(
      btf
        .command('dump')
        .description('types of the kernel, of an object file, or of a program or map, as C, text or JSON'),
    )
      .argument(
        '[source]',
        "`kernel`, a loaded module's name, or a file: an object, vmlinux, or raw BTF",
        'kernel',
      )
      .option('--id <id>', 'the BTF object with this id in place of a source', wholeNumber(1))
      .option('--format <format>', 'c: a header; raw: a line per type; json', 'c')
      .option('--type <name>', 'only this type and what it needs: task_struct, or struct task_struct')
      .option('-o, --output <file>', 'write it to a file'),
    'nx-bpf btf dump -o vmlinux.h',
    'nx-bpf btf dump edge.bpf.o --type packet_sample',
  ).action(async (source: string, options: object) => {
    const { dump } = require('./dump') as typeof import('./dump');
    finish(await dump(source, options as { format: string }));
  });
};
