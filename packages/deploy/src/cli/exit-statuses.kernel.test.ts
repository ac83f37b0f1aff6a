import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { errorCodes, Link } from '@nx-bpf/loader';
import { expect, test } from 'vitest';
import { mount, unmount } from '../../../loader/src/kernel';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { acquireLock, layoutOf } from '../state';
import { run as runHere } from './run';

const bin = path.resolve(__dirname, '../../bin/nx-bpf.js');
const document = fs.readFileSync(path.resolve(__dirname, '../../../../docs/deploy.md'), 'utf8');
const section = document.slice(
  document.indexOf('## Exit statuses'),
  document.indexOf('## How long it takes'),
);
/** Rows of the section's tables, those with a status in front. */
const rows = [...section.matchAll(/^\| (\d+) +\|(.*)\|$/gm)].map(([, status, rest]) => ({
  status: Number(status),
  cells: rest!.split(' | ').map((cell) => cell.trim()),
}));

test('every error code is in the row of its status', () => {
  const documented = rows
    .filter(({ cells }) => cells.length === 2)
    .flatMap(({ status, cells }) =>
      [...cells[1]!.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => [code, status]),
    );
  expect(documented.sort()).toEqual(Object.entries(errorCodes).sort());
});

const source = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
const volatile __u32 verdict = 2;
struct hits { __u64 packets; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hits);
} hits SEC(".maps");
SEC("xdp")
int guard(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct hits *here = bpf_map_lookup_elem(&hits, &zero);
	if (here)
		__sync_fetch_and_add(&here->packets, 1);
	return verdict;
}
`;

kernelSuite('exit statuses', (kernel) => {
  const workspace = (): string => path.join(kernel.directory, 'ws');
  const layout = () => layoutOf(path.join(kernel.bpffs, 'nx-bpf'), 'probe', 'prod');
  const write = (file: string, text: string): void => {
    fs.mkdirSync(path.dirname(path.join(workspace(), file)), { recursive: true });
    fs.writeFileSync(path.join(workspace(), file), text);
  };
  const code = (text: string): void => write('probe/src/probe.bpf.c', text);
  const options = () => ({ cwd: workspace(), env: { PATH: process.env['PATH'], NO_COLOR: '1' } });
  /** A command as the document has it: `nx-bpf` is this checkout's. */
  const argv = (command: string): string[] => {
    const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
    return [...words.flatMap((word) => (word === 'nx-bpf' ? [process.execPath, bin] : [word])), '--json'];
  };
  const run = (command: string): { status: number | null; stdout: string } => {
    const [file, ...args] = argv(command);
    return spawnSync(file!, args, { encoding: 'utf8', ...options() });
  };
  const deployed = (): void => {
    code(source);
    expect(run('nx-bpf apply probe -e prod').status).toBe(0);
  };
  const whileLocked = async <T>(work: () => T | Promise<T>): Promise<T> => {
    code(source);
    expect(run('nx-bpf build probe -e prod').status).toBe(0);
    const { lock, made } = await acquireLock(layout().lock, { mode: 0o700, timeoutMs: 0 });
    try {
      return await work();
    } finally {
      lock.close();
      for (const directory of made) fs.rmSync(directory, { recursive: true, force: true });
    }
  };
  const interrupted = async (command: string): Promise<{ status: number | null; stdout: string }> => {
    const [file, ...args] = argv(command);
    const child = spawn(file!, args, { ...options(), stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    const ended = once(child, 'close') as Promise<[number | null]>;
    await once(child.stderr, 'data');
    child.kill('SIGINT');
    return { status: (await ended)[0], stdout };
  };

  const withLink = <T>(use: (link: Link) => T): T => {
    const link = Link.open(path.join(layout().links, 'uplink'));
    try {
      return use(link);
    } finally {
      link.close();
    }
  };
  /** The command in this process, which detaches the link as soon as it is switched: between two links others get in. */
  const whileDetached = async (command: string): Promise<{ status: number | null; stdout: string }> => {
    deployed();
    const program = withLink((link) => link.info().programId);
    let going = true;
    const look = (): void => {
      if (!going) return;
      if (withLink((link) => link.info().programId) === program) setImmediate(look);
      else withLink((link) => link.detach());
    };
    const words = argv(command);
    const set = words.filter((_, index) => words[index - 1] === '--set');
    look();
    try {
      const request = { workspaceRoot: workspace(), project: 'probe', environment: 'prod', set };
      const { exitStatus, result } = await runHere('apply', request);
      return { status: exitStatus, stdout: JSON.stringify(result) };
    } finally {
      going = false;
    }
  };

  /** What the column `when` says, done. */
  const situations: Readonly<Record<string, () => void>> = {
    'it is deployed, and as it was left': deployed,
    'it is deployed: nothing to do': deployed,
    'the pin of a link was removed': () => {
      deployed();
      fs.rmSync(path.join(layout().links, 'uplink'));
    },
    'the bpf file system is gone, and another is there': () => {
      deployed();
      unmount(kernel.bpffs);
      mount({ type: 'bpf', target: kernel.bpffs });
    },
    'C that does not compile': () => code(source.replace('__u32 zero', '__u32 nought')),
    'an extern that nothing defines': () =>
      code(
        source
          .replace('SEC("xdp")', 'extern int nosuch; SEC("xdp")')
          .replace('return verdict', 'return nosuch'),
      ),
    'a packet read without a check of its end': () =>
      code(source.replace('return verdict', 'return *(volatile __u8 *)(long)ctx->data')),
    "a field more in a map's value, `migrate: refuse`": () => {
      deployed();
      code(source.replace('__u64 packets;', '__u64 packets, bytes;'));
    },
    'no such generation': deployed,
    'the plan was saved before the last apply': () => {
      code(source);
      expect(run('nx-bpf plan probe -e prod --out prod.plan').status).toBe(0);
      deployed();
    },
    'the second of two links fails': deployed,
    'a field that the kernel does not have': () =>
      code(
        source
          .replace(
            'SEC("xdp")',
            'struct task_struct { int nosuch; } __attribute__((preserve_access_index)); SEC("xdp")',
          )
          .replace('return verdict', 'return ((struct task_struct *)ctx)->nosuch'),
      ),
  };
  const around: Readonly<
    Record<string, (command: string) => Promise<{ status: number | null; stdout: string }>>
  > = {
    'another process deploys': (command) => whileLocked(() => run(command)),
    'the second of two links fails, and somebody detached the first': whileDetached,
    'Ctrl-C while it waits for the lock': (command) => whileLocked(() => interrupted(command)),
  };

  const examples = rows
    .filter(({ cells }) => cells.length === 3)
    .map(({ status, cells }) => {
      const [error, when, command] = cells as [string, string, string];
      return {
        status,
        error: error === 'null' ? null : error.slice(1, -1),
        when,
        command: command.slice(1, -1),
      };
    });

  test('there is an example of each status, and each code is one of its status', () => {
    const statuses = new Set<number>([0, 2, ...Object.values(errorCodes)]);
    // The helper's, which has to be installed for that: see helper.kernel.test.ts.
    statuses.delete(errorCodes.DEPLOYMENT_REFUSED);
    expect(new Set(examples.map(({ status }) => status))).toEqual(statuses);
    expect(new Set(examples.map(({ when }) => when)).size).toBe(examples.length);
    for (const when of [...Object.keys(situations), ...Object.keys(around)])
      expect(examples.map((each) => each.when)).toContain(when);
  });

  test.each(examples)(
    '$status $error: $when',
    { timeout: 60_000 },
    async ({ status, error, when, command }) => {
      await kernel.withVeth(async () => {
        spawnSync('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1']);
        fs.rmSync(workspace(), { recursive: true, force: true });
        write('bpf.config.yaml', `version: 1\npin: { root: ${path.join(kernel.bpffs, 'nx-bpf')} }\n`);
        write('probe/package.json', '{ "name": "probe" }');
        write(
          'probe/bpf.config.yaml',
          `version: 1
toolchain: { clang: clang-19, vmlinux: kernel }
objects: { probe: { source: src/probe.bpf.c } }
programs: { guard: { attach: [{ id: uplink, xdp: { interface: eth0 } }] } }
environments: { prod: {} }
`,
        );
        code(source);
        situations[when]?.();
        const ended = await (around[when] ?? run)(command);
        const result = JSON.parse(ended.stdout) as { error: { code: string } | null };
        expect({ status: ended.status, error: result.error?.code ?? null }).toEqual({ status, error });
        code(source);
        // However it ended, the next apply makes it what the manifest says.
        if (status >= 12 && status <= 14) {
          expect(run('nx-bpf apply probe -e prod').status).toBe(0);
          expect(run('nx-bpf status probe -e prod').status).toBe(0);
        }
        if (fs.existsSync(layout().ledger)) expect(run('nx-bpf destroy probe -e prod').status).toBe(0);
        expect(fs.existsSync(path.join(kernel.bpffs, 'nx-bpf'))).toBe(false);
      });
    },
  );
});
