import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Log } from 'sarif';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from './run';

const good = `char gpl[] __attribute__((section("license"), used)) = "GPL";
__attribute__((section("xdp"), used)) int guard(void *ctx) { return 2; }
`;

let root: string;
let written: string[];
const write = process.stdout.write.bind(process.stdout);
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-annotate-'));
  written = [];
  process.stdout.write = ((text: string) => written.push(text) > 0) as typeof process.stdout.write;
  process.env['GITHUB_ACTIONS'] = 'true';
});
afterEach(() => {
  process.stdout.write = write;
  delete process.env['GITHUB_ACTIONS'];
  fs.rmSync(root, { recursive: true });
});

async function build(
  manifest: string,
  source: string,
): Promise<{ status: number; commands: string[]; log: Log }> {
  fs.mkdirSync(path.join(root, 'agent/src'), { recursive: true });
  fs.writeFileSync(path.join(root, 'nx.json'), '{}');
  fs.writeFileSync(path.join(root, 'agent/bpf.config.yaml'), manifest);
  fs.writeFileSync(path.join(root, 'agent/src/watch.bpf.c'), source);
  const sarif = path.join(root, 'out/build.sarif');
  const { exitStatus } = await run('build', { workspaceRoot: root, project: 'agent', sarif });
  const commands = written
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('::'));
  return { status: exitStatus, commands, log: JSON.parse(fs.readFileSync(sarif, 'utf8')) as Log };
}

test('every error of the compiler is at its place, in Actions and in SARIF', async () => {
  const source = `${good}int first = missing;\nint second = 1 +;\n`;
  const { status, commands, log } = await build('version: 1\nobjects: { watch: {} }\n', source);
  expect(status).toBe(4);
  expect(commands).toEqual([
    "::error file=agent/src/watch.bpf.c,line=3,col=13::use of undeclared identifier 'missing'",
    '::error file=agent/src/watch.bpf.c,line=4,col=17::expected expression',
  ]);
  const [{ results, tool }] = log.runs as [Log['runs'][0]];
  expect(tool.driver.rules).toEqual([{ id: 'COMPILE_FAILED' }]);
  expect(results).toHaveLength(2);
  expect(results![0]).toEqual({
    ruleId: 'COMPILE_FAILED',
    ruleIndex: 0,
    level: 'error',
    message: { text: "use of undeclared identifier 'missing'" },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: 'agent/src/watch.bpf.c', uriBaseId: 'WORKSPACE' },
          region: { startLine: 3, startColumn: 13 },
        },
      },
    ],
  });
});

test('a warning is one; what is well has none', async () => {
  const manifest = 'version: 1\nobjects: { watch: { cflags: [-Wall] } }\n';
  const { status, commands } = await build(manifest, `${good}static int unused(void) { return 1; }\n`);
  expect(status).toBe(0);
  expect(commands).toEqual([
    "::warning file=agent/src/watch.bpf.c,line=3,col=12::unused function 'unused' [-Wunused-function]",
  ]);
  written = [];
  const { commands: none, log } = await build(manifest, good);
  expect(none).toEqual([]);
  expect(log.runs[0]!.results).toEqual([]);
});

test('every problem of a manifest is at its place', async () => {
  const { status, commands } = await build('version: 1\nobjects: { watch: { sauce: 1 } }\nmap: {}\n', good);
  expect(status).toBe(3);
  expect(commands).toEqual([
    "::error file=agent/bpf.config.yaml,line=2,col=21::unknown key 'sauce' in objects.watch; did you mean 'source'?",
    "::error file=agent/bpf.config.yaml,line=3,col=1::unknown key 'map'; did you mean 'maps'?",
  ]);
});
