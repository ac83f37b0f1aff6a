import { BpfError, Program, programCode } from '@nx-bpf/loader';
import pc from 'picocolors';
import { hexText } from '../../report';
import { find } from '../find';
import { done, type ObjectOptions } from '../group';
import { type Outcome } from '../request';

type Dumped = ReturnType<Program['dump']>[number];

/** An instruction as `nx-bpf prog dump --json` has it. */
type Line = Dumped & { readonly opcodes?: string };

/** `nx-bpf prog dump`: translated instructions, as the kernel runs or compiles them. */
export function dump(
  target: string,
  options: ObjectOptions & { source: boolean; opcodes?: boolean },
): Outcome {
  const { fd, name } = find('program', target, options);
  const program = new Program(fd, { name });
  let lines: Line[];
  try {
    lines = readLines(program, options.source, options.opcodes ?? false);
  } finally {
    program.close();
  }
  process.stdout.write(options.json ? `${JSON.stringify(lines)}\n` : `${render(lines).join('\n')}\n`);
  return { ...done, result: lines };
}

function readLines(program: Program, withSource: boolean, withOpcodes: boolean): Line[] {
  const { instructions } = programCode(program.fd);
  if (instructions.length === 0) {
    throw new BpfError('PRIVILEGE_MISSING', `program '${program.name}': its instructions may not be seen`, {
      program: program.name,
      hint: 'run this as root, with net.core.bpf_jit_harden below 2',
    });
  }
  const dumped = program.dump();
  return dumped.map(({ source, ...line }, i) => {
    const bytes = instructions.subarray(8 * line.insn, 8 * (dumped[i + 1]?.insn ?? instructions.length / 8));
    return {
      ...line,
      ...(withSource && { source }),
      ...(withOpcodes && { opcodes: hexText(bytes) }),
    };
  });
}

function render(lines: readonly Line[]): string[] {
  const width = String(lines.at(-1)?.insn ?? 0).length;
  return lines.flatMap(({ insn, text, opcodes, function: name, source }) => [
    ...(name === undefined ? [] : [pc.bold(`${name}:`)]),
    ...(source === undefined
      ? []
      : [pc.dim(`; ${source.text || '?'}  (${source.file.replace(/^.*\//, '')}:${source.line})`)]),
    `${String(insn).padStart(width + 2)}: ${text}`,
    ...(opcodes === undefined ? [] : [pc.dim(`${' '.repeat(width + 4)}${opcodes}`)]),
  ]);
}
