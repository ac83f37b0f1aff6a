'use strict';
/** `@nx-bpf/deploy/run` as it is published: the command line's file, loaded with the code cache of the command. */
const path = require('node:path');
const { loadCached } = require('./code-cache.js');

let cli;

/** As runAt() of src/cli/run-at.ts. The code cache is made once the first command has run. */
module.exports.runAt = async (command, request, directory) => {
  cli ??= loadCached(path.join(__dirname, '../dist/cli.js'), command);
  const outcome = await cli.exports.runAt(command, request, directory);
  cli.keep();
  return outcome;
};
