/**
 * `npm run traffic`: packets through the agent's dev network, what its guard counts of them, and what it drops once
 * their sender is in its blocklist. Also an example of a program that uses maps which a deployment has pinned.
 */
import { createRequire } from 'node:module';
import { run, sandbox } from './setup/index.mjs';

const require = createRequire(import.meta.url);
require('./run-source.js');
const { BpfError, BpfMap } = require('@nx-bpf/loader');

const maps = '/sys/fs/bpf/nx-bpf/agent/dev/maps';
const [receiver] = sandbox.here.addresses[0].split('/');
const [sender] = sandbox.there.addresses[0].split('/');
const packets = 5;

try {
  demonstrate();
} catch (error) {
  if (!(error instanceof BpfError)) throw error;
  console.error(
    error.code === 'PIN_NOT_FOUND' ? "The agent is not loaded: 'npm start' does that." : error.message,
  );
  process.exitCode = 1;
}

function demonstrate() {
  const verdicts = BpfMap.open(`${maps}/verdicts`);
  const blocklist = BpfMap.open(`${maps}/blocklist`);

  console.log(`${packets} packets from ${sender}: ${counted(verdicts, send)}`);
  blocklist.update(`${sender}/32`, 1);
  try {
    console.log(`${packets} more, with ${sender}/32 in the blocklist: ${counted(verdicts, send)}`);
  } finally {
    blocklist.delete(`${sender}/32`);
  }
}

/** UDP to the discard port, from inside the network namespace. */
function send() {
  const command = `for ((i = 0; i < ${packets}; i++)); do echo hello > /dev/udp/${receiver}/9; done`;
  run('ip', ['netns', 'exec', sandbox.namespace, 'bash', '-c', command]);
}

/** What the guard counted during some work. Keys are its `enum verdict`, values have an element for each CPU. */
function counted(verdicts, work) {
  const total = (verdict) => verdicts.lookup(verdict).reduce((sum, { packets }) => sum + Number(packets), 0);
  const before = [total(0), total(1)];
  work();
  return `${total(0) - before[0]} passed, ${total(1) - before[1]} dropped`;
}
