#!/usr/bin/env node
'use strict';
const { existsSync } = require('node:fs');
const path = require('node:path');

// A checkout runs its source, so that an edit counts at once and an old dist never does.
const source = path.join(__dirname, '../src/cli/main.ts');
const checkout = path.join(__dirname, '../../../tools/run-source.js');
const fromSource = existsSync(source) && existsSync(checkout);
if (fromSource) require(checkout);
const { main } = require(fromSource ? source : '../dist/cli/main.js');

void main(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
