import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { groups } from './groups';
import { type RawOptions } from './raw';
import { type CommandName } from './commands';
import { type Outcome, type Request } from './request';

/** What commands that work on a project take. */
type ProjectOptions = Omit<Request, 'workspaceRoot' | 'project' | 'environment'> & { readonly env?: string };

const positive = (text: string): number => {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It is a number from 1.');
  return Number(text);
};
const collect = (value: string, list: string[]): string[] => [...list, value];

/**
 * The commands of `nx-bpf` and their options. What a command needs is loaded when it runs: `--help` should not wait for
 * a loader.
 *
 * @param finish told how a command ended
 */
export function commandLine(finish: (outcome: Outcome) => void): Command {
  const program = new Command('nx-bpf')
    .description('Build, load and watch over eBPF programs, from a manifest or from object files.')
    .version((require('../../package.json') as { version: string }).version)
    .showSuggestionAfterError()
    .exitOverride();

  program
    .command('inspect')
    .description('what is in an object file: programs, maps, variables, references, relocations, externs')
    .argument('<object...>', 'object files')
    .option('--json', 'one JSON value on stdout')
    .option('--verbose', 'instructions too')
    .action((objects: string[], options: { json?: boolean; verbose?: boolean }) => {
      const { inspect } = require('./inspect') as typeof import('./inspect');
      finish(inspect(objects, options));
    });

  program
    .command('load')
    .description(
      'load and pin object files without a manifest: programs at DIR/<name>, maps at DIR/maps/<name>',
    )
    .argument('<object...>', 'object files; several go to DIR/<object name>/...')
    .requiredOption('--pin <dir>', 'directory on a bpf file system')
    .option('--programs <names>', 'only these programs, and the maps they need (comma separated)', (list) =>
      list.split(',').filter((name) => name !== ''),
    )
    .option('--no-cache', 'relocate anew, and store nothing')
    .option('--btf <file>', "resolve CO-RE against these types in place of the running kernel's")
    .option('--attach', 'attach what its section name says where to attach; links at DIR/links/<program>')
    .option('--json', 'one JSON line per object on stdout')
    .option('--verbose', 'whole verifier logs')
    .action(async (objects: string[], options: RawOptions) => {
      const { load } = require('./raw') as typeof import('./raw');
      finish(await load(objects, options));
    });

  program
    .command('unload')
    .description('undo `load`: detach and unpin everything under DIR')
    .argument('<dir>', 'what --pin was')
    .option('--json', 'one JSON value on stdout')
    .action((directory: string, options: { json?: boolean }) => {
      const { unload } = require('./raw') as typeof import('./raw');
      finish(unload(directory, options));
    });

  const onProject = (name: CommandName, description: string): Command =>
    program
      .command(name)
      .description(description)
      .argument('[project]', 'project of the workspace; the one around the current directory by default')
      .addOption(new Option('-e, --env <name>', 'environment; the manifest says which is the default'))
      .option(
        '--set <path=value>',
        'override a value of the manifest, e.g. maps.hits.maxEntries=64',
        collect,
        [],
      )
      .option('--json', 'one JSON value on stdout, text on stderr')
      .option('--verbose', 'whole verifier logs and compiler commands')
      .action(async (project: string | undefined, { env, ...options }: ProjectOptions) => {
        const { locate } = require('./locate') as typeof import('./locate');
        const { runOrWatch } = require('./watch') as typeof import('./watch');
        const where =
          options.bundle === undefined ? locate(project) : { workspaceRoot: '', project: project ?? '' };
        finish(await runOrWatch(name, { ...where, ...options, environment: env }));
      });
  const watching = 'again after each save of a source, header or manifest, until Ctrl-C';
  const frozen = ['--frozen', 'refuse what is not as bpf.lock.json says'] as const;
  const sarif = ['--sarif <file>', 'also write what is wrong as SARIF, for code hosts and editors'] as const;
  const takesBundle = (command: Command): Command =>
    command
      .option('--bundle <file>', 'what nx-bpf bundle wrote, in place of a workspace')
      .option('--signature <file>', "the bundle's signature by minisign; FILE.minisig by default")
      .option('--signed-by <key>', 'a key that the bundle has to be signed with, or its file', collect, []);
  onProject('build', 'compile the objects of a project')
    .option(...frozen)
    .option('--watch', watching)
    .option(...sarif);
  onProject('verify', 'whether the programs relocate for the kernels that the manifest names')
    .option(
      '--level <levels>',
      'offline: by their types; kernel: loaded into the running one, and let go; vm: so in a virtual machine for each; several with commas',
      'offline',
    )
    .option('--jobs <n>', 'at level vm: guests that run at once; default one for each processor', positive)
    .option('--timeout <seconds>', 'at level vm: after which a guest is ended; default 300', positive)
    .option(...sarif)
    .option('--record', 'at level kernel: write to bpf.verified.json what budgets compare with')
    .option(...frozen);
  takesBundle(onProject('plan', 'what apply would change, and why; nothing is changed'))
    .option('--out <file>', 'save the plan, to be applied exactly')
    .option('--verify', 'load what is new or changed, without attaching it: what the verifier makes of it')
    .option('--detailed-exitcode', 'exit status 2 if there is something to do')
    .option(...frozen);
  takesBundle(onProject('apply', 'load, pin and attach what the manifest says, and nothing twice'))
    .option('--plan <file>', 'carry out a saved plan, or nothing if something changed since')
    .option('--watch', watching)
    .option(...frozen);
  takesBundle(
    onProject('status', 'what of a deployment is in the kernel, and whether it is as it was left'),
  ).option('--repair', 'bring what was interrupted or damaged back to what the ledger says');
  takesBundle(onProject('rollback', 'go back to a generation that was there before')).option(
    '--to <generation>',
    'its number; by default the one before',
    (text) => {
      if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It is the number of a generation.');
      return Number(text);
    },
  );
  takesBundle(onProject('destroy', 'detach and remove what apply put there, and nothing else')).option(
    '--force',
    'maps that the manifest protects, too',
  );
  onProject('config', 'the merged manifest of an environment, and where each value comes from');
  onProject('lock', 'record in bpf.lock.json what a project is built from, and what comes of it');
  onProject('bundle', 'write a project as one file, for a host without a checkout or a compiler')
    .option('--out <file>', 'where to; dist/bundle/<project>-<environment>.nxbpf by default')
    .option(...frozen);
  onProject('report', 'write what a project is as one HTML file: programs, maps, kernels, code beside C')
    .option('--out <file>', 'where to; dist/report/<environment>.html by default')
    .addOption(
      new Option(
        '--level <level>',
        'offline: nothing is loaded; kernel: what the running one makes of it, too',
      )
        .choices(['offline', 'kernel'])
        .default('offline'),
    )
    .option(...frozen);

  for (const add of groups) add(program, finish);
  return program;
}

/**
 * The command line `nx-bpf`.
 *
 * @param argv arguments without node and script
 * @returns the exit status
 */
export async function main(argv: readonly string[]): Promise<number> {
  // `nx-bpf ... | head` ends when head has enough: nobody is there to be told more.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  let status = 0;
  const program = commandLine((outcome) => {
    status = outcome.exitStatus;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 3;
    const { errorJson, errorStatus, renderError } = require('../report') as typeof import('../report');
    if (argv.includes('--json')) process.stdout.write(`${JSON.stringify({ error: errorJson(error) })}\n`);
    process.stderr.write(`${renderError(error, argv.includes('--verbose')).join('\n')}\n`);
    return errorStatus(error);
  }
  return status;
}

/** As that of `./run-at`, which is loaded when it is called: the bundle of this file has it for who is no command line. */
export const runAt: typeof import('./run-at').runAt = (...request) =>
  (require('./run-at') as typeof import('./run-at')).runAt(...request);

// A bundle of this file is a command by itself; the package's own command is bin/nx-bpf.js.
if (require.main === module) {
  void main(process.argv.slice(2)).then((status) => {
    process.exitCode = status;
  });
}
