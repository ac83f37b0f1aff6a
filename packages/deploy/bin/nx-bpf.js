#!/usr/bin/env node
'use strict';
const { existsSync } = require('node:fs');
const path = require('node:path');

/** Commands that run often enough for a code cache of their own; the others share one. */
const frequent = new Set(['load', 'unload', 'build', 'verify', 'plan', 'apply', 'status']);

// A checkout runs its source, so that an edit counts at once and an old dist never does.
const source = path.join(__dirname, '../src/cli/main.ts');
const checkout = path.join(__dirname, '../../../tools/run-source.js');
const argv = process.argv.slice(2);

if (existsSync(source) && existsSync(checkout)) {
  require(checkout);
  run(require(source).main);
} else {
  const { loadCached } = require('./code-cache.js');
  const cli = loadCached(path.join(__dirname, '../dist/cli.js'), frequent.has(argv[0]) ? argv[0] : 'other');
  run(cli.exports.main, cli.keep);
}

function run(main, after = () => undefined) {
  void main(argv).then((status) => {
    process.exitCode = status;
    after();
  });
}
