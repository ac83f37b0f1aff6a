import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { run } from '../cli/run';

const source = `#define SEC(name) __attribute__((section(name), used))
struct xdp_md { unsigned int data, data_end; };
char gpl[] SEC("license") = "GPL";
SEC("xdp") int fine(struct xdp_md *ctx) { return 2; }
SEC("xdp") int careless(struct xdp_md *ctx)
{
	char *data = (void *)(long)ctx->data;
	return data[13];
}
`;

kernelSuite('a page at level kernel', () => {
  test('has the figures of the verifier, and its words at the C that it refuses', async () => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-page-'));
    try {
      fs.mkdirSync(path.join(root, 'agent/src'), { recursive: true });
      fs.writeFileSync(path.join(root, 'nx.json'), '{}');
      fs.writeFileSync(
        path.join(root, 'agent/bpf.config.yaml'),
        'version: 1\nobjects: { two: {} }\nprograms: { fine: { budgets: { insns: 10 } }, careless: {} }\n',
      );
      fs.writeFileSync(path.join(root, 'agent/src/two.bpf.c'), source);
      const out = path.join(root, 'report.html');
      const { exitStatus } = await run('report', {
        workspaceRoot: root,
        project: 'agent',
        level: 'kernel',
        out,
        json: true,
      });
      expect(exitStatus).toBe(0);
      const page = fs.readFileSync(out, 'utf8');
      expect(page).toContain('✓ 2 of 10 verified');
      expect(page).toContain('✕ refused');
      // Beside the line that reads without a check, and there alone.
      const refused = page.split('class="line').filter((line) => line.startsWith(' refused'));
      expect(refused).toHaveLength(1);
      expect(refused[0]).toContain('return data[13];');
      expect(refused[0]).toContain('invalid access to packet');
    } finally {
      fs.rmSync(root, { recursive: true });
    }
  });
});
