import { type Target } from '../target';
import { archive } from './archive';
import { binary } from './binary';
import { btf } from './btf';
import { btfExt } from './btf-ext';
import { bundle } from './bundle';
import { cache } from './cache';
import { data } from './data';
import { elf } from './elf';
import { ledger } from './ledger';
import { lock } from './lock';
import { manifest } from './manifest';
import { netlink } from './netlink';
import { object } from './object';
import { relocate } from './relocate';
import { systemFiles } from './system-files';
import { usdt } from './usdt';
import { values } from './values';
import { verifierLog } from './verifier-log';

/** Everything that reads bytes from outside, in the order in which an object passes through it. */
export const targets: readonly Target[] = [
  elf,
  btf,
  btfExt,
  object,
  relocate,
  values,
  binary,
  usdt,
  verifierLog,
  netlink,
  systemFiles,
  cache,
  manifest,
  data,
  bundle,
  ledger,
  lock,
  archive,
];

/** @throws Error for a name that no target has */
export function targetNamed(name: string): Target {
  const found = targets.find((target) => target.name === name);
  if (found === undefined)
    throw new Error(`no target '${name}': ${targets.map((target) => target.name).join(', ')}`);
  return found;
}
