import fs from 'node:fs';
import { rootOf, whyUnsafe, whyUnsafeBelow } from './owned-by-root';

/** How a helper was started: the parts of `process` that decide which code it is. */
export interface Start {
  readonly uid: number;
  /** Path of node. */
  readonly node: string;
  readonly nodeOptions: readonly string[];
  /** The script as it was named, and its real path. */
  readonly script: string;
  readonly realScript: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * What decides which code node runs, beside its arguments; sudo removes them (env_reset), so one that is there means
 * that it was told not to, or that it was not sudo.
 */
const steering = /^(NODE_|LD_|OPENSSL_|GCONV_PATH$|LOCPATH$|MALLOC_|V8_|UV_|BASH_ENV$|ENV$)/;

/**
 * Why a helper that was started so may run other code than root put there; undefined if it may not. An installation
 * that others can change can change this too: what it guards against is a sudoers line or a unit that names one.
 */
export function whyUntrusted(start: Start): string | undefined {
  if (start.uid !== 0) return `it runs as user ${start.uid}, and has to be root`;
  if (start.args.length > 0) return `it takes no arguments, and was given '${start.args.join(' ')}'`;
  if (start.nodeOptions.length > 0) return `node was given options: ${start.nodeOptions.join(' ')}`;
  const variable = Object.keys(start.environment).find((name) => steering.test(name));
  if (variable !== undefined)
    return `the environment has ${variable}, by which a caller chooses what runs; sudo with env_reset removes it`;
  if (start.script !== start.realScript)
    return `it was called as ${start.script}, which leads to ${start.realScript}: call it by that`;
  const modules = rootOf(start.realScript);
  if (modules === start.realScript) return `${start.realScript} is of a checkout, not of an installation`;
  const { HOME: home = '/root' } = start.environment;
  // node looks for modules that it finds nowhere else below HOME.
  const homes = fs.existsSync(home) ? [home] : [];
  for (const place of [start.node, start.realScript, ...homes]) {
    const problem = whyUnsafe(place);
    if (problem !== undefined) return problem;
  }
  return whyUnsafeBelow(modules);
}
