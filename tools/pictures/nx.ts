import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import fs from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { withBrowser } from '../testing/browser';
import { terminalPicture } from './terminal';

/**
 * Makes docs/pictures/nx-graph.png and nx-show-project.svg: what `nx graph` shows of this workspace in a browser, and
 * what `nx show project agent` prints. Needs Chromium.
 *
 *     node -r ./tools/run-source.js tools/pictures/nx.ts
 */
const root = path.resolve(__dirname, '../..');
const nx = path.join(root, 'node_modules/nx/dist/bin/nx.js');
const env = { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true' };
const port = 14211;

async function main(): Promise<void> {
  const shown = spawnSync(process.execPath, [nx, 'show', 'project', 'agent', '--web=false'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...env, FORCE_COLOR: '1' },
  });
  if (shown.status !== 0) throw new Error(shown.stderr);
  const text = `\u001b[2m$\u001b[22m \u001b[1mnpx nx show project agent\u001b[22m\n${shown.stdout.trimEnd()}`;
  fs.writeFileSync(
    path.join(root, 'docs/pictures/nx-show-project.svg'),
    terminalPicture(text, 'nx show project agent: the targets that its manifest gives it'),
  );

  const server = spawn(
    process.execPath,
    [nx, 'graph', '--host=127.0.0.1', `--port=${port}`, '--open=false'],
    {
      cwd: root,
      env,
      stdio: 'ignore',
    },
  );
  try {
    await answering(`http://127.0.0.1:${port}/project-graph.json`);
    await withBrowser(async (browser) => {
      const page = await browser.newPage();
      await page.setViewportSize({ width: 1200, height: 760 });
      await page.goto(`http://127.0.0.1:${port}/`);
      await page.getByText('agent').first().waitFor();
      // It is drawn by a script that tells nobody when it is done.
      await wait(6000);
      await page.screenshot({ path: path.join(root, 'docs/pictures/nx-graph.png') });
    });
  } finally {
    server.kill();
  }
}

async function answering(url: string): Promise<void> {
  for (let i = 0; i < 120; i++) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // Not yet.
    }
    await wait(500);
  }
  throw new Error(`${url} does not answer`);
}

void main();
