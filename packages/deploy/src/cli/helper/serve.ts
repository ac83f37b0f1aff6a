import path from 'node:path';
import { type HelperLine } from '../../privileges';

/** Where root unpacks what it was sent, and where it keeps what it relocated: nobody else can write there. */
const scratch = '/run';
const cacheHome = '/var/cache';

/**
 * The privileged helper: carries out one request from standard input, and answers on standard output, a line of JSON
 * at a time. It reads its configuration and the bundle, and no other file that a caller names. What it is asked for is
 * held against the configuration before anything is asked of the kernel. The end of standard input ends its work.
 *
 * @returns the exit status
 */
export async function serve(): Promise<number> {
  const user = callingUser(process.env);
  scrub();
  const say = (line: HelperLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
  // A caller that has gone is told no more; what is under way is undone: see below.
  process.stdout.on('error', () => undefined);
  const { answer } = require('./answer') as typeof import('./answer');
  const { exitStatus, result } = await answer({ user, input: process.stdin, say, scratch });
  say({ exitStatus, result });
  await new Promise<void>((resolve) => process.stdout.end(resolve));
  return exitStatus;
}

/** The number of the user who asks: sudo and systemd say it, and nobody else can. Otherwise it is root. */
export function callingUser(environment: NodeJS.ProcessEnv): number {
  const { SUDO_UID: sudo, NX_BPF_INSTANCE: instance } = environment;
  // systemd.socket(5): with Accept=yes an instance is called COUNTER-PID-UID, by newer ones COUNTER-COOKIE-PID_ID-UID.
  const text =
    instance === undefined ? (sudo ?? '0') : (/^\d+(?:-[\d_]+){1,2}-(\d+)$/.exec(instance)?.[1] ?? '');
  // Nobody's number: 2^32 - 1 is no user.
  return /^\d{1,10}$/.test(text) ? Number(text) : 0xffffffff;
}

/** Nothing of the caller's is left: variables, directory, mask of new files. */
function scrub(): void {
  for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LC_ALL: 'C.UTF-8',
    TMPDIR: scratch,
    XDG_CACHE_HOME: cacheHome,
  });
  process.umask(0o077);
  process.chdir(path.parse('/').root);
}
