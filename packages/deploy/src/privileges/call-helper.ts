import { spawn } from 'node:child_process';
import net from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type Readable, type Writable } from 'node:stream';
import { BpfError } from '@nx-bpf/loader/errors';
import { type PrivilegesConfig } from '../manifest';
import { whyUnsafe } from './owned-by-root';
import { encodeRequest, type HelperLine, type HelperRequest } from './protocol';

/** Not that of PATH, which may be another. */
const sudo = '/usr/bin/sudo';

/** Who is told of what the helper says meanwhile. */
export interface HelperCall {
  readonly request: HelperRequest;
  readonly write: (stream: 'stdout' | 'stderr', text: string) => void;
  readonly save: (plan: string) => void;
}

/** What the helper's command ended with. */
export interface HelperResult {
  readonly exitStatus: number;
  readonly result: unknown;
}

/**
 * Lets the helper of root do something with a bundle, as the manifest says how it is reached. Ctrl-C ends what it does,
 * and that is undone; so does the end of this process.
 *
 * @throws BpfError HELPER_UNAVAILABLE if it cannot be called or gives no answer, HELPER_UNSAFE if it is not root's
 */
export async function callHelper(privileges: PrivilegesConfig, call: HelperCall): Promise<HelperResult> {
  const helper = privileges.helper === 'socket' ? throughSocket(privileges) : throughSudo(privileges);
  const stop = (): void => void helper.input.end();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  try {
    // Left open: its end tells the helper that nobody waits any more. Who ends before says why.
    helper.input.on('error', () => undefined);
    helper.input.write(encodeRequest(call.request));
    const result = await readAnswer(helper.output, call);
    helper.input.end();
    const failure = await helper.ended;
    if (result !== undefined) return result;
    throw unavailable(privileges, failure === '' ? 'it ended without an answer' : failure);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, stop);
    helper.input.end();
  }
}

interface Connection {
  readonly input: Writable;
  readonly output: Readable;
  /** What it said outside of its answer, once it has ended. */
  readonly ended: Promise<string>;
}

function throughSudo(privileges: PrivilegesConfig): Connection {
  const { node } = privileges;
  const script = helperScript(privileges);
  for (const file of [node, script]) {
    const problem = whyUnsafe(file);
    if (problem === undefined) continue;
    throw new BpfError('HELPER_UNSAFE', `the helper is not called: ${problem}`, {
      path: file,
      hint: 'install it as root, outside of the workspace: see docs/privileges.md',
    });
  }
  const child = spawn(sudo, ['-n', '--', node, script], { cwd: '/', stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', () => resolve(said.trim()));
  });
  return { input: child.stdin, output: child.stdout, ended };
}

function throughSocket({ socket: place }: PrivilegesConfig): Connection {
  const socket = net.connect(place);
  const ended = new Promise<string>((resolve) => {
    socket.on('error', (error) => resolve(error.message));
    socket.on('close', () => resolve(''));
  });
  return { input: socket, output: socket, ended };
}

/** The helper's script in its installation. */
export function helperScript({ installation }: Pick<PrivilegesConfig, 'installation'>): string {
  return path.join(installation, 'node_modules/@nx-bpf/deploy/bin/nx-bpf-helper.js');
}

async function readAnswer(output: Readable, { write, save }: HelperCall): Promise<HelperResult | undefined> {
  let result: HelperResult | undefined;
  output.on('error', () => undefined);
  for await (const text of createInterface({ input: output, crlfDelay: Infinity })) {
    let line: HelperLine;
    try {
      line = JSON.parse(text) as HelperLine;
    } catch {
      write('stderr', `${text}\n`);
      continue;
    }
    if ('stream' in line) write(line.stream, line.text);
    else if ('save' in line) save(line.save);
    else result = line;
    if (result !== undefined) break;
  }
  return result;
}

function unavailable(privileges: PrivilegesConfig, why: string): BpfError {
  const { helper, socket, node } = privileges;
  const line = `${node} ${helperScript(privileges)}`;
  const hint =
    helper === 'socket'
      ? 'systemctl status nx-bpf-helper.socket says whether it listens, and its unit who may connect'
      : `root has to allow it, in /etc/sudoers.d: USER ALL=(root) NOPASSWD: ${line}`;
  const how = helper === 'socket' ? `at ${socket}` : 'through sudo';
  return new BpfError('HELPER_UNAVAILABLE', `the helper cannot be called ${how}: ${why}`, { hint });
}
