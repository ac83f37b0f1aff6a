#!/usr/bin/env node
'use strict';
/**
 * The privileged helper: see docs/privileges.md. It is for an installation of root alone, and loads nothing of the
 * package but the check of that before it is passed.
 */
const path = require('node:path');

const dist = path.join(__dirname, '../dist');
const { whyUntrusted } = require(path.join(dist, 'privileges/installation.js'));
const problem = whyUntrusted({
  uid: process.geteuid(),
  node: process.execPath,
  nodeOptions: process.execArgv,
  script: process.argv[1],
  realScript: __filename,
  args: process.argv.slice(2),
  environment: process.env,
});
if (problem === undefined) {
  const { serve } = require(path.join(dist, 'cli/helper/serve.js'));
  void serve().then((status) => process.exit(status));
} else {
  const error = {
    code: 'HELPER_UNSAFE',
    message: `the helper refuses to work: ${problem}`,
    hint: 'install it as root, outside of every workspace: see docs/privileges.md',
  };
  const text = `error ${error.code}: ${error.message}; ${error.hint}\n`;
  process.stdout.write(`${JSON.stringify({ stream: 'stderr', text })}\n`);
  process.stdout.write(`${JSON.stringify({ exitStatus: 9, result: { notes: [], error } })}\n`);
  process.exitCode = 9;
}
