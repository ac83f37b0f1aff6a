import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { run } from './command.mjs';

/** Installs the Node packages when there are none, or older ones than package-lock.json asks for. */
export function installNodeModules(root) {
  const installed = path.join(root, 'node_modules/.package-lock.json');
  const wanted = path.join(root, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return [];
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root });
  return ['installed the Node packages'];
}
