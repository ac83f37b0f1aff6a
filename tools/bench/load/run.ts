import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Mount, mount, Namespace, unmount, unshare } from '../../../packages/loader/src/kernel';
import { defaultCache } from '../../conformance/cache';
import { corpusFiles } from '../../oracle/corpus';
import { table } from '../table';
import { bars } from './bars';
import { buildSides, type Peer, type Sides } from './build';
import { chart } from './chart';
import { cases, type Case } from './cases';
import { compileInputs, type Input } from './inputs';
import { inTurns, summary, trial, type Summary } from './measure';

const documents = path.resolve(__dirname, '../../../docs');

/** One row of the result: an input, and a summary for each case. */
export interface Row {
  readonly name: string;
  readonly title: string;
  readonly cases: Readonly<Partial<Record<Case, Summary>>>;
}

interface Options {
  readonly inputs: readonly string[] | undefined;
  readonly cases: readonly string[] | undefined;
  readonly pairs: number;
  readonly peer: Peer;
  /** Write docs/speed.json and docs/pictures/speed.svg. */
  readonly write: boolean;
}

/**
 * `npm run bench -- load [--inputs tiny,core-52] [--cases miss-warm] [--pairs 15] [--peer libbpf|libbpf-6.12] [--write]`:
 * how long loading takes, beside libbpf in turns, up to pinned. As root.
 */
export async function run(args: readonly string[]): Promise<void> {
  const options = parse(args);
  const home = mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-bench-'));
  const bpffs = path.join(home, 'bpffs');
  mkdirSync(bpffs);
  unshare(Namespace.MOUNT);
  mount({ target: '/', flags: Mount.REC | Mount.PRIVATE });
  mount({ type: 'bpf', target: bpffs });
  try {
    const bench = new Bench(home, bpffs, await buildSides(home), options);
    const inputs = (await bench.inputs()).filter(({ name }) => options.inputs?.includes(name) ?? true);
    const rows: Row[] = [];
    for (const input of inputs) {
      rows.push(bench.row(input));
      console.error(text(rows.at(-1)!).join('  '));
    }
    table(['', ...Object.values(cases).map(({ title }) => title)], rows.map(text));
    if (options.write) {
      writeFileSync(path.join(documents, 'speed.json'), `${JSON.stringify(rows, null, 2)}\n`);
      writeFileSync(path.join(documents, 'pictures/speed.svg'), chart(rows));
    }
  } finally {
    unmount(bpffs);
    rmSync(home, { recursive: true, force: true });
  }
}

function text({ name, title, cases: measured }: Row): string[] {
  const cells = (Object.keys(cases) as Case[]).map((id) => {
    const found = measured[id];
    const bar = bars[name]?.[id];
    if (found === undefined) return '';
    return `${found.ratio.toFixed(2)}${bar === undefined ? '' : ` (${bar})`} ${(found.ours / 1000).toFixed(2)}/${(found.peer / 1000).toFixed(2)}`;
  });
  return [title, ...cells];
}

class Bench {
  /** Without the bundle of certificates that Node would parse at its start. */
  private readonly env: NodeJS.ProcessEnv = {
    ...process.env,
    NODE_EXTRA_CA_CERTS: undefined,
    NODE_PATH: path.resolve(__dirname, '../../../node_modules'),
  };
  private readonly cache: string;

  constructor(
    home: string,
    private readonly bpffs: string,
    private readonly sides: Sides,
    private readonly options: Options,
  ) {
    this.cache = path.join(home, 'cache');
    mkdirSync(this.cache, { mode: 0o700 });
  }

  /** Compiled once for a state of the sources. */
  async inputs(): Promise<Input[]> {
    const hash = createHash('sha256');
    for (const file of [
      ...corpusFiles().map(({ source }) => source),
      ...['inputs', 'sources', 'kernel-fields'].map((name) => path.join(__dirname, `${name}.ts`)),
    ]) {
      hash.update(readFileSync(file));
    }
    const directory = path.join(path.dirname(defaultCache()), `bench-${hash.digest('hex').slice(0, 16)}`);
    const listed = path.join(directory, 'inputs.json');
    try {
      return JSON.parse(readFileSync(listed, 'utf8')) as Input[];
    } catch {
      const inputs = await compileInputs(directory, (file) => this.bothLoad(file));
      writeFileSync(listed, JSON.stringify(inputs));
      return inputs;
    }
  }

  row({ name, title, files }: Input): Row {
    const many = files.length > 1;
    const dear = name.startsWith('heavy');
    const measured: Partial<Record<Case, Summary>> = {};
    for (const [id, { state, warm }] of Object.entries(cases) as [Case, (typeof cases)[Case]][]) {
      if (this.options.cases?.includes(id) === false) continue;
      // What is in the cache after this is what the state says: a code cache of the run is made with it.
      this.ours(state, 0, many ? 1 : 3, files, true);
      const [skipped, rounds] = warm ? [many ? 1 : 20, many || dear ? 5 : 25] : [0, 1];
      const wanted = this.options.pairs;
      const pairs = warm ? Math.ceil(wanted / 3) : name === 'tiny' ? 4 * wanted : wanted;
      measured[id] = summary(
        inTurns(
          pairs,
          () => this.peer(skipped, rounds, files),
          () => this.ours(state, skipped, rounds, files),
        ),
      );
    }
    return { name, title, cases: measured };
  }

  private bothLoad(file: string): boolean {
    try {
      this.peer(0, 1, [file]);
      this.ours('bare', 0, 1, [file]);
      return true;
    } catch {
      rmSync(path.join(this.bpffs, '0'), { recursive: true, force: true });
      rmSync(path.join(this.bpffs, 'own'), { recursive: true, force: true });
      return false;
    }
  }

  private peer(warm: number, rounds: number, files: readonly string[]) {
    return trial(
      this.sides.peers[this.options.peer],
      [`${warm}`, `${rounds}`, this.bpffs, ...files],
      this.env,
    );
  }

  private ours(state: string, warm: number, rounds: number, files: readonly string[], prepare = false) {
    const { launcher } = this.sides;
    const flags = prepare ? ['--make-code-cache'] : [];
    const args = [launcher, ...flags, state, this.cache, `${warm}`, `${rounds}`, this.bpffs, ...files];
    return trial(process.execPath, args, this.env);
  }
}

function parse(args: readonly string[]): Options {
  const value = (name: string): string | undefined => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args[at + 1];
  };
  return {
    inputs: value('--inputs')?.split(','),
    cases: value('--cases')?.split(','),
    pairs: Number(value('--pairs') ?? 15),
    peer: (value('--peer') ?? 'libbpf-6.12') as Peer,
    write: args.includes('--write'),
  };
}
