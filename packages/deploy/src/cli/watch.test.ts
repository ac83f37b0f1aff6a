import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watch } from './watch';

let root = '';
const controller = { stop: new AbortController() };
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-watch-'));
  controller.stop = new AbortController();
  write('bpf.config.yaml', 'version: 1\n');
  write('p/package.json', '{ "name": "p" }');
  write('p/bpf.config.yaml', 'version: 1\nobjects: { probe: {} }\n');
  write('p/src/answer.h', '#define ANSWER 1\n');
  write(
    'p/src/probe.bpf.c',
    '#include "answer.h"\n__attribute__((section("xdp"), used)) int probe(void *c) { return ANSWER; }\n',
  );
});
afterEach(() => fs.rmSync(root, { recursive: true }));

function write(file: string, text: string): void {
  fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  // As editors do: another file of the same name.
  fs.writeFileSync(path.join(root, `${file}.new`), text);
  fs.renameSync(path.join(root, `${file}.new`), path.join(root, file));
}

const result = (): { error: { code: string } | null; objects?: { sha256: string }[] } | undefined => {
  try {
    return JSON.parse(fs.readFileSync(path.join(root, 'p/dist/bpf/dev/build.json'), 'utf8'));
  } catch {
    return undefined;
  }
};
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 15_000, interval: 20 });

test('each save of a header or a manifest builds again, until it is stopped; a mistake is another try', async () => {
  const ended = watch('build', { workspaceRoot: root, project: 'p' }, controller.stop.signal);
  await eventually(() => expect(result()?.error).toBeNull());
  const first = result()!.objects![0]!.sha256;

  write('p/src/answer.h', '#define ANSWER 2\n');
  await eventually(() => expect(result()?.objects?.[0]?.sha256).not.toBe(first));

  write('p/src/answer.h', '#define ANSWER nonsense\n');
  await eventually(() => expect(result()?.error?.code).toBe('COMPILE_FAILED'));

  write('p/src/answer.h', '#define ANSWER 1\n');
  await eventually(() => expect(result()?.objects?.[0]?.sha256).toBe(first));

  write('p/bpf.config.yaml', 'version: 1\nobjects: { prob: {} }\n');
  await eventually(() => expect(result()?.error?.code).toBe('MANIFEST_INVALID'));

  controller.stop.abort();
  expect(await ended).toMatchObject({ success: false });
}, 60_000);

test('stopped before it begins, it runs once', async () => {
  controller.stop.abort();
  const outcome = await watch('build', { workspaceRoot: root, project: 'p' }, controller.stop.signal);
  expect(outcome.success).toBe(true);
});
