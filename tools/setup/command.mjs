import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

/** A reason to stop that is not ours to repair: its text is all that the user sees. */
export class SetupError extends Error {}

/** Debian keeps administrators' tools where a user's PATH does not look. */
const places = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'].filter(Boolean);

/** The path of a command, or undefined when there is none. */
export function which(command) {
  return places.map((place) => path.join(place, command)).find(isExecutable);
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Runs a command to its end and returns what it printed; its output is shown only when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(which(command) ?? command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  });
  if (result.status === 0) return result.stdout;
  const output = [result.error?.message, result.stdout, result.stderr].filter(Boolean).join('\n').trim();
  throw new SetupError(`${[command, ...args].join(' ')} failed:\n${output}`);
}

export const isRoot = process.getuid() === 0;

/**
 * The environment of the Node processes that we start. NODE_EXTRA_CA_CERTS makes each of them read and parse a
 * whole bundle of certificates at its start, and none of them opens a TLS connection.
 */
export const quickEnvironment = { ...process.env, NODE_EXTRA_CA_CERTS: undefined };
