import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ElfFile, parseObject } from '@nx-bpf/loader';
import { withBrowser } from '../../../../tools/testing/browser';
import { compile } from '../../../../tools/testing/compile';
import { run } from '../cli/run';
import { bytesOfType } from './bytes-of-type';
import { html } from './html';
import { verifierWalk } from './verifier-walk';

const attack = `</script><script>document.title = 'taken'</script><img src=x onerror="document.title='taken'">`;

const source = `#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
struct task { int pid; int added; } __attribute__((preserve_access_index));
struct key { unsigned char kind; unsigned int address; };
struct value { unsigned a : 3; unsigned b : 7; unsigned long long hits; char name[64]; };
struct { __uint(type, 1); __uint(max_entries, 64); __type(key, struct key); __type(value, struct value); } seen SEC(".maps");
static void *(*lookup)(void *, const void *) = (void *)1;
char gpl[] SEC("license") = "GPL";
static __attribute__((noinline)) int second(struct task *task) { return task->pid; }
SEC("tp_btf/started") int watch(unsigned long long *ctx)
{
	struct task *task = (void *)ctx[0];
	struct key key = {};
	struct value *value = lookup(&seen, &key); /* ${attack} */
	return value ? task->added + second(task) : 0;
}
`;

const kernel = (field: string): Uint8Array => {
  const elf = compile(`
    enum bpf_prog_type { T26 = 26, __MAX_BPF_PROG_TYPE } types; enum bpf_map_type { M1 = 1 } maps;
    enum bpf_func_id { H1 = 1 } helpers; enum bpf_attach_type { A23 = 23 } attach;
    struct task { int pid; ${field} }; struct task task;
    typedef void (*btf_trace_started)(void *, struct task *); btf_trace_started tracepoint;`);
  return ElfFile.parse(elf, { object: 'k.o' }).section('.BTF')!.data;
};

let root: string;
let page: string;
const write = process.stdout.write.bind(process.stdout);
beforeAll(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-page-'));
  const put = (file: string, content: string | Uint8Array): void => {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), content);
  };
  put('old.btf', kernel(''));
  put('new.btf', kernel('int added;'));
  put('bpf.config.yaml', 'version: 1\nkernels: { old: { btf: old.btf }, new: { btf: new.btf } }\n');
  put(
    'agent/bpf.config.yaml',
    'version: 1\nobjects: { watch: {} }\nprograms: { watch: { attach: [{ id: start, tp_btf: {} }] } }\n',
  );
  put('agent/src/watch.bpf.c', source);
  page = await report();
});
afterAll(() => fs.rmSync(root, { recursive: true }));

async function report(): Promise<string> {
  const out = path.join(root, 'report.html');
  process.stdout.write = (() => true) as typeof process.stdout.write;
  try {
    const { exitStatus, result } = await run('report', { workspaceRoot: root, project: 'agent', out });
    expect(exitStatus, JSON.stringify(result)).toBe(0);
  } finally {
    process.stdout.write = write;
  }
  return fs.readFileSync(out, 'utf8');
}

test('a page is the same for the same project, and says nothing of this machine', async () => {
  expect(await report()).toBe(page);
  expect(page).not.toContain(root);
});

test('what C says is text on the page', () => {
  expect(page).not.toContain(attack);
  expect(page).toContain('&lt;/script&gt;');
  expect(html`${'a\u0000b'}<i>${['<', html`<b>${1}</b>`]}</i>${false}${undefined}`.text).toBe(
    'a\ufffdb<i>&lt;<b>1</b></i>',
  );
});

test('bytes of a value: fields, bitfields that share bytes, padding, and an array as one', () => {
  const spec = parseObject(compile(source), { name: 'watch' });
  const map = spec.maps.find(({ name }) => name === 'seen')!;
  const runs = (type: number, size: number): string[] =>
    bytesOfType(spec.btf!, type, size).map(({ offset, size: of, name }) => `${offset}+${of} ${name ?? '-'}`);
  expect(runs(map.keyTypeId, map.keySize)).toEqual(['0+1 kind', '1+3 -', '4+4 address']);
  expect(runs(map.valueTypeId, map.valueSize + 8)).toEqual([
    '0+2 a:3 b:7',
    '2+6 -',
    '8+8 hits',
    '16+64 name',
    '80+8 -',
  ]);
});

test('a log of a refused program says why at its last instruction, and nowhere else', () => {
  const log = [
    'func#0 @0',
    '0: R1=ctx() R10=fp0',
    '; int x = 0; @ a.c:3',
    '0: (b7) r0 = 2                        ; R0_w=2',
    'from 4 to 0: R0=3',
    '0: (b7) r0 = 2                        ; R0_w=2',
    '1: (61) r0 = *(u32 *)(r9 +0)',
    'R9 !read_ok',
    'processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0',
  ];
  const walk = verifierWalk(log, true);
  expect([...walk.keys()]).toEqual([0, 1]);
  expect(walk.get(0)).toEqual({ visits: 2, state: 'R0_w=2', said: [] });
  expect(walk.get(1)).toEqual({ visits: 1, state: '', said: ['R9 !read_ok'] });
  expect(verifierWalk(log, false).get(1)!.said).toEqual([]);
});

test('a browser shows it without asking anybody, at every width, in both themes', async () => {
  await withBrowser(async (browser) => {
    const view = await browser.newPage();
    const told: string[] = [];
    view.on('console', (message) => told.push(message.text()));
    view.on('pageerror', (error) => told.push(error.message));
    view.on('request', (request) => told.push(request.url()));
    const url = `file://${path.join(root, 'report.html')}`;
    for (const colorScheme of ['light', 'dark'] as const) {
      await view.emulateMedia({ colorScheme });
      for (const width of [360, 1280]) {
        await view.setViewportSize({ width, height: 900 });
        await view.goto(url);
        await view.evaluate(
          "document.querySelectorAll('details').forEach((details) => { details.open = true; })",
        );
        expect(await view.evaluate('document.documentElement.scrollWidth')).toBe(width);
      }
    }
    expect(await view.title()).toBe('agent@dev');
    expect(await view.locator('img').count()).toBe(0);
    const background = (): Promise<unknown> =>
      view.evaluate('getComputedStyle(document.body).backgroundColor');
    const dark = await background();
    await view.getByRole('button', { name: 'Light' }).click();
    expect(await background()).not.toBe(dark);

    // The drawing leads to the program, which opens.
    await view.goto('about:blank');
    await view.goto(url);
    await view.locator('svg .node.program').click();
    await view.locator('details.program[open]').waitFor();
    const program = view.locator('details.program');
    expect(await program.getByText('tp_btf').count()).toBeGreaterThan(0);
    expect(await program.locator('.c').allTextContents()).toContainEqual(
      expect.stringContaining('lookup(&seen'),
    );
    expect(await program.locator('.core').first().textContent()).toContain('byte_off struct task');
    const kernels = await view.locator('#kernels .badge').allTextContents();
    expect(kernels.filter((text) => text === '✕ 1 missing')).toHaveLength(1);
    expect(told.filter((text) => text !== url && text !== `${url}#program-watch`)).toEqual([]);
  });
}, 60_000);
