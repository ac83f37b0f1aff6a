/**
 * `nx run a-xdp:bpf-load` where nothing changed, beside an executor that does nothing: in an Nx workspace elsewhere, in
 * which the packed packages are installed.
 */
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { FreshWorkspace } from '../../fresh-workspace/workspace.mjs';
import { quickEnvironment, root, run } from '../../setup/index.mjs';

const pairs = process.argv[2] ?? '20';
const { dependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const workspace = FreshWorkspace.create(dependencies.nx);
const bare = mkdtempSync(`${workspace.directory}-bare-`);
try {
  await workspace.nx(['g', '@nx-bpf/plugin:project', 'a-xdp', '--template=xdp']);
  addEmpty(workspace);
  const without = new FreshWorkspace(bare, dependencies.nx);
  without.write('package.json', '{ "private": true }');
  without.write('nx.json', '{ "analytics": false, "neverConnectToCloud": true }');
  symlinkSync(workspace.path('node_modules'), path.join(bare, 'node_modules'));
  addEmpty(without);
  // A bpffs, a loopback interface and a place for code caches that are gone with the last process in there.
  const measure = [process.execPath, path.join(import.meta.dirname, 'pairs.mjs'), bare, pairs];
  const script = `mount -t bpf bpf /sys/fs/bpf && ip link set lo up && exec ${measure.join(' ')}`;
  const env = { ...quickEnvironment, NX_TUI: 'false', CI: 'true', XDG_CACHE_HOME: path.join(bare, 'cache') };
  run('unshare', ['--mount', '--net', 'sh', '-c', script], {
    cwd: workspace.directory,
    env,
    stdio: 'inherit',
  });
} finally {
  rmSync(bare, { recursive: true, force: true });
  workspace.remove();
}

/** A project whose target runs a local executor that does nothing. */
function addEmpty(where) {
  where.write('tools/empty/package.json', '{ "name": "empty", "executors": "./executors.json" }');
  where.write(
    'tools/empty/executors.json',
    '{ "executors": { "empty": { "implementation": "./empty.js", "schema": "./schema.json" } } }',
  );
  where.write('tools/empty/schema.json', '{ "version": 2, "type": "object", "properties": {} }');
  where.write('tools/empty/empty.js', 'module.exports.default = async () => ({ success: true });\n');
  where.write(
    'packages/nothing/project.json',
    '{ "name": "nothing", "targets": { "empty": { "executor": "./tools/empty:empty" } } }',
  );
}
