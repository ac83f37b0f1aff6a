import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execute } from '../../conformance/execute';
import { median, table } from '../table';

const ways = {
  mmap: 'the file mapped, scanned',
  read: 'the file read, scanned',
  kept: 'the file mapped, index kept',
};
const processes = 9;

/** `npm run bench -- types`: what finding 20 types of the running kernel by name takes, with a code cache made. */
export async function run(): Promise<void> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-bench-'));
  try {
    await execute(process.execPath, [path.join(__dirname, 'bundle-ours.mjs'), home, 'type-index']);
    const folder = path.join(home, 'known');
    mkdirSync(folder, { mode: 0o700 });
    const rows = Object.entries(ways).map(([way, title]) => {
      const one = (...args: string[]) => lines(home, [way, folder, ...args]);
      lines(home, ['--make-code-cache', way, folder, '0', '2']);
      const fresh = Array.from({ length: processes }, () => one('0', '1'));
      const totals = fresh.map(({ total }) => total);
      const memory = fresh.map(({ privateKiB }) => privateKiB);
      const milliseconds = (value: number): string => (value / 1000).toFixed(2);
      return [
        title,
        milliseconds(median(totals)),
        milliseconds(one('20', '15').total),
        (median(memory) / 1024).toFixed(1),
      ];
    });
    table(['types of the kernel and 20 names', 'fresh, ms', 'warm, ms', 'private memory, MiB'], rows);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Medians of what a process printed. */
function lines(home: string, args: readonly string[]): { total: number; privateKiB: number } {
  const env = {
    ...process.env,
    NODE_EXTRA_CA_CERTS: undefined,
    NODE_PATH: path.resolve(__dirname, '../../../node_modules'),
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(home, 'launch.mjs'), ...args], {
    encoding: 'utf8',
    env,
  });
  if (status !== 0) throw new Error(stderr);
  const values = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number>);
  const all = (name: string): number[] => values.flatMap((each) => (name in each ? [each[name]!] : []));
  return { total: median(all('total')), privateKiB: median(all('privateKiB')) };
}
