import { BpfError } from '@nx-bpf/loader/errors';
import { located, plain, withChild, type Located, type LocatedMap, type Origin } from './located';
import { Problems } from './problems';
import { readYaml } from './read-yaml';

/** A path and a value given on the command line: `maps.blocklist.maxEntries=1024`. */
const form = /^((?:"[^"]*"|[^."=]+)(?:\.(?:"[^"]*"|[^."=]+))*)=(.*)$/s;

/**
 * One `--set` as a layer of the manifest. The value is YAML; a step that has dots in it is put in quotes, and what
 * follows `attach` is an entry's id, what follows `run` its name.
 *
 * @throws BpfError USAGE if the text is not `path=value`
 *
 * @example
 * ```ts
 * readSetOption('programs.guard.attach.uplink.xdp.interface=veth0', new Problems());
 * ```
 */
export function readSetOption(option: string, problems: Problems): Located | undefined {
  const match = form.exec(option);
  if (!match) {
    throw new BpfError('USAGE', `--set '${option}'`, {
      expected: 'path=value, such as maps.blocklist.maxEntries=1024',
    });
  }
  const steps = match[1]!.match(/"[^"]*"|[^."]+/g)!.map((step) => step.replaceAll('"', ''));
  const file = `--set ${match[1]}`;
  const own = new Problems();
  const value = readYaml({ text: match[2]!, file, layer: '--set' }, own);
  if (own.any || value === undefined) {
    problems.add({ file, line: 0, column: 0 }, `'${match[2]}' is not a YAML value`);
    return undefined;
  }
  const origin: Origin = { file, line: 0, column: 0, layer: '--set' };
  return nest(steps, located(plain(value), origin), origin);
}

/** Lists whose entries have names. */
const keysOfLists: Readonly<Record<string, string>> = { attach: 'id', run: 'name' };

function nest(steps: readonly string[], value: Located, origin: Origin): Located {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  const key = keysOfLists[step];
  if (key !== undefined && rest.length > 0) {
    const [id, ...inner] = rest;
    const entry = nest(inner, value, origin);
    const items = [entry.kind === 'map' ? withChild(entry, key, located(id, origin)) : entry];
    return one(step, { kind: 'list', origin, items }, origin);
  }
  return one(step, nest(rest, value, origin), origin);
}

function one(key: string, value: Located, origin: Origin): LocatedMap {
  return { kind: 'map', origin, entries: new Map([[key, { origin, value }]]) };
}
