'use strict';
/**
 * A process that runs inputs with V8's own coverage on, and tells which lines of a target's sources they reached:
 * started by line-coverage.ts. Nothing of ours counts here, so the code is that which runs everywhere.
 */
const { Buffer } = require('node:buffer');
const { Session } = require('node:inspector');
const { SourceMap } = require('node:module');
const path = require('node:path');

const root = path.join(__dirname, '../..');
const session = new Session();
session.connect();
const post = (method, params) => {
  let answer;
  session.post(method, params, (error, result) => {
    if (error) throw error;
    answer = result;
  });
  return answer;
};
post('Debugger.enable');
post('Profiler.enable');
post('Profiler.startPreciseCoverage', { callCount: false, detailed: true });
require('../run-source.js');
const { targetNamed } = require('./targets/index.ts');

process.once('message', async ({ target: name, inputs }) => {
  const target = targetNamed(name);
  for (const input of inputs) {
    try {
      await target.run(input, () => undefined);
    } catch {
      // What is refused is covered, too.
    }
  }
  const { result } = post('Profiler.takePreciseCoverage');
  const total = { covered: 0, lines: 0, missed: {} };
  for (const { url, scriptId, functions } of result) {
    const file = path.relative(root, url.startsWith('file:') ? new URL(url).pathname : url);
    if (!target.sources.some((source) => file === source || file.startsWith(`${source}/`))) continue;
    const { scriptSource } = post('Debugger.getScriptSource', { scriptId });
    const lines = linesOf(scriptSource, functions);
    const missed = [...lines].filter(([, reached]) => !reached).map(([line]) => line);
    total.lines += lines.size;
    total.covered += lines.size - missed.length;
    if (missed.length > 0) total.missed[file] = missed.sort((a, b) => a - b);
  }
  process.send(total, () => process.disconnect());
});

/** By line of the TypeScript, whether the code that begins on it was reached. */
function linesOf(code, functions) {
  const map = new SourceMap(
    JSON.parse(Buffer.from(/sourceMappingURL=data:[^,]*,(\S+)/.exec(code)[1], 'base64')),
  );
  const reached = new Uint8Array(code.length).fill(1);
  // Ranges of a function lie in each other, the outer one first.
  for (const { ranges } of functions) {
    for (const { startOffset, endOffset, count } of ranges)
      reached.fill(count === 0 ? 0 : 1, startOffset, endOffset);
  }
  const lines = new Map();
  let offset = 0;
  code.split('\n').forEach((text, line) => {
    for (const match of text.matchAll(/[A-Za-z_$][\w$]*|\d+|["'`]/g)) {
      const entry = map.findEntry(line, match.index);
      if (entry.originalLine === undefined || entry.generatedLine !== line) continue;
      const original = entry.originalLine + 1;
      if (!lines.has(original)) lines.set(original, reached[offset + match.index] === 1);
    }
    offset += text.length + 1;
  });
  return lines;
}
