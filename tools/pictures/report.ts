/**
 * Takes the picture of docs/report.md: the agent's report, made here at level kernel. Needs root, and Chromium.
 *
 *     node -r ./tools/run-source.js tools/pictures/report.ts
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run } from '../../packages/deploy/src/cli/run';
import { withBrowser } from '../testing/browser';

async function main(): Promise<void> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-pictures-'));
  const out = path.join(directory, 'report.html');
  try {
    const { success } = await run('report', {
      workspaceRoot: process.cwd(),
      project: 'agent',
      level: 'kernel',
      out,
    });
    if (!success) throw new Error('no report');
    await withBrowser(async (browser) => {
      const page = await browser.newPage();
      await page.setViewportSize({ width: 1200, height: 2050 });
      await page.goto(`file://${out}`);
      await page.evaluate(
        "document.querySelectorAll('details.program').forEach((details, i) => { details.open = i === 0; })",
      );
      await page.screenshot({ path: 'docs/pictures/report.png' });
    });
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

void main();
