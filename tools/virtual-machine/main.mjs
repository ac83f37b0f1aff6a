import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { SetupError } from '../setup/command.mjs';
import { bundle } from './bundle.mjs';
import { machineKernels, runOnKernels } from './fleet.mjs';
import { lineWriter } from './lines.mjs';

const usage = `tools/vm [options] KERNEL [KERNEL...] -- COMMAND [ARGUMENT...]

Boots kernels of Debian side by side and runs a command in each, as root. Its exit status is the command's.

KERNEL             6.1, 6.12, or 6.12-full for the kernel that is not made for clouds
--copy FILE[:AT]   put a file into the guest, by default into /root
--module NAME      insert a module and what it depends on
--timeout SECONDS  end a guest that takes longer (120)

A guest has node, koffi, nx-bpf, busybox, bpffs, tracefs, cgroup2, securityfs and a writable /tmp.`;

/** Exit statuses of our own, as timeout(1) and env(1) have them: the command did not end; it could not be started. */
const status = { ended: 124, failed: 125 };

/** The command line of tools/vm. */
export async function main(args) {
  try {
    process.exitCode = await run(args);
  } catch (error) {
    if (
      !(error instanceof SetupError) &&
      error.name !== 'BpfError' &&
      !String(error.code).startsWith('ERR_PARSE_ARGS')
    )
      throw error;
    console.error(error.message);
    process.exitCode = status.failed;
  }
}

async function run(args) {
  const { names, command, options } = parse(args);
  if (names.length === 0 || command.length === 0) {
    console.error(usage);
    return status.failed;
  }
  const kernels = machineKernels(names);
  const files = new Map([
    ['bin/nx-bpf', await bundle('packages/deploy/src/cli/main.ts')],
    ...options.copy.map(copied),
  ]);
  const several = kernels.length > 1;
  const writer = (stream) =>
    lineWriter((name, line) => stream.write(several ? `${name} | ${line}\n` : `${line}\n`));
  const [output, errors] = [writer(process.stdout), writer(process.stderr)];
  const outcomes = await runOnKernels(kernels, {
    command,
    files,
    modules: options.module,
    timeout: options.timeout,
    output: output.write,
    errors: errors.write,
  });
  output.end();
  errors.end();
  for (const outcome of outcomes) report(outcome);
  return outcomes.map((outcome) => outcome.status ?? status.ended).find((code) => code !== 0) ?? 0;
}

function parse(args) {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const { values, positionals } = parseArgs({
    args: args.slice(0, end),
    allowPositionals: true,
    options: {
      copy: { type: 'string', multiple: true, default: [] },
      module: { type: 'string', multiple: true, default: [] },
      timeout: { type: 'string', default: '120' },
    },
  });
  const timeout = Number(values.timeout);
  if (!(timeout > 0)) throw new SetupError(`--timeout ${values.timeout}: expected seconds`);
  return { names: positionals, command: args.slice(end + 1), options: { ...values, timeout } };
}

/** `FILE` or `FILE:AT`, as an entry of the guest's files. */
function copied(text) {
  const [file, at = `/root/${path.basename(file)}`] = text.split(':');
  const executable = (statSync(file).mode & 0o100) !== 0;
  return [path.posix.join('/', at).slice(1), { bytes: readFileSync(file), executable }];
}

/** What there is to say about a guest beside what its command said. */
function report({ kernel, status: code, failure, console: text, log, seconds }) {
  if (code === 0) return;
  const what = failure ?? `the command ended with ${code}`;
  console.error(
    `${kernel.name} (${kernel.release}): ${what}, after ${seconds.toFixed(1)} s; console: ${log}`,
  );
  if (failure !== undefined) console.error(text.trimEnd().split('\n').slice(-20).join('\n'));
}
