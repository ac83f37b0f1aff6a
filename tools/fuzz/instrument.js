'use strict';
/**
 * As ../run-source.js, and what runs of the packages counts where it goes: each branch of the code has a byte in
 * `globalThis.fuzzCounters`, which it adds one to. V8's own coverage tells the same, but takes milliseconds to ask.
 */
const path = require('node:path');
const { parse } = require('acorn');
const MagicString = require('magic-string').default;
require('../run-source.js');

const packages = path.join(__dirname, '../../packages') + path.sep;
/** More than all packages have branches; what is beyond it would not be counted. */
const most = 1 << 16;
globalThis.fuzzCounters = new Uint8Array(most);
let used = 0;

const compile = require.extensions['.ts'];
require.extensions['.ts'] = (module, filename) => {
  if (filename.startsWith(packages)) {
    const original = module._compile;
    module._compile = (code, name) => original.call(module, counted(code), name);
  }
  compile(module, filename);
};

/** How many counters there are, of what has been loaded so far. */
module.exports = { countersUsed: () => used };

/** Code with a counter at the start of each function, and of each way that a branch can go. */
function counted(code) {
  const text = new MagicString(code);
  visit(parse(code, { ecmaVersion: 'latest', sourceType: 'script', allowHashBang: true }), (node) =>
    countersOf[node.type]?.(node, text),
  );
  // On the first line, so that the others stay where the source map has them.
  return `const fuzzCounters = globalThis.fuzzCounters;${text.toString()}`;
}

function next() {
  if (used === most)
    throw new Error(`more than ${most} branches: raise the number in tools/fuzz/instrument.js`);
  return `fuzzCounters[${used++}]++`;
}

function statement(node, text) {
  if (node.type === 'BlockStatement') return text.prependRight(node.start + 1, `${next()};`);
  text.prependRight(node.start, `{${next()};`).appendLeft(node.end, '}');
}

function expression(node, text) {
  text.prependRight(node.start, `(${next()},(`).appendLeft(node.end, '))');
}

function ofFunction(node, text) {
  if (node.body.type === 'BlockStatement') statement(node.body, text);
  else expression(node.body, text);
}

const ofLoop = (node, text) => statement(node.body, text);

const countersOf = {
  FunctionDeclaration: ofFunction,
  FunctionExpression: ofFunction,
  ArrowFunctionExpression: ofFunction,
  ForStatement: ofLoop,
  ForOfStatement: ofLoop,
  ForInStatement: ofLoop,
  WhileStatement: ofLoop,
  DoWhileStatement: ofLoop,
  IfStatement(node, text) {
    statement(node.consequent, text);
    if (node.alternate) statement(node.alternate, text);
    else text.appendLeft(node.end, ` else {${next()};}`);
  },
  ConditionalExpression(node, text) {
    expression(node.consequent, text);
    expression(node.alternate, text);
  },
  LogicalExpression: (node, text) => expression(node.right, text),
  SwitchCase(node, text) {
    if (node.consequent.length > 0) text.prependRight(node.consequent[0].start, `${next()};`);
  },
  CatchClause: (node, text) => statement(node.body, text),
};

/** Inner nodes first: what is put around an outer one then goes around what is put around these. */
function visit(node, look) {
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') visit(child, look);
    }
  }
  look(node);
}
