import fs from 'node:fs';
import { BpfError } from '@nx-bpf/loader/errors';
import { readSigningKey, type SigningKey } from '../bundle';
import { hookNames, hooks, zod, type AttachEntry, type ProjectConfig } from '../manifest';
import { whyUnsafe } from './owned-by-root';

/** Where the helper's configuration is: in a directory of root, as /etc is. */
export const policyFile = '/etc/nx-bpf/helper.json';

/** What some users may deploy. */
export interface Rule {
  readonly project: string;
  readonly environments: readonly string[];
  /** Numbers of users; undefined: whoever is let in by sudo or by the socket. */
  readonly users?: readonly number[] | undefined;
  /** Everything is pinned below one of these. */
  readonly pinRoots: readonly string[];
  /** Hooks that programs may be attached to; undefined: any. */
  readonly hooks?: readonly string[] | undefined;
  /** A bundle has to be signed with one of these; none: it need not be. */
  readonly signedBy: readonly SigningKey[];
}

/**
 * Reads the helper's configuration.
 *
 * @throws BpfError HELPER_UNSAFE if others than root can write it, or it is not there or not as it should be
 */
export function readPolicy(file = policyFile): Rule[] {
  const bad = (problem: string, hint: string): BpfError =>
    new BpfError('HELPER_UNSAFE', `the helper's configuration ${file}: ${problem}`, { path: file, hint });
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw bad(
      (error as Error).message,
      'who may deploy what has to be written there: see docs/privileges.md',
    );
  }
  const problem = whyUnsafe(file);
  if (problem !== undefined) throw bad(problem, 'chown root and chmod go-w it and the directories above');
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch (error) {
    throw bad((error as Error).message, 'it is JSON');
  }
  const { data, error } = policySchema().safeParse(written);
  if (error !== undefined) {
    const [issue] = error.issues;
    throw bad(`${issue!.path.join('.')}: ${issue!.message}`, 'see docs/privileges.md');
  }
  return data.deployments.map(({ signedBy, ...rule }) => ({
    ...rule,
    signedBy: signedBy.map(readSigningKey),
  }));
}

function policySchema() {
  const { z } = zod();
  const name = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/);
  const rule = z.strictObject({
    project: name,
    environments: z.array(name).min(1),
    users: z.array(z.int().min(0)).min(1).optional(),
    pinRoots: z
      .array(z.string().regex(/^(\/[A-Za-z0-9_-]+)+$/))
      .min(1)
      .default(['/sys/fs/bpf/nx-bpf']),
    hooks: z.array(z.enum([...hookNames, 'struct_ops'])).optional(),
    signedBy: z.array(z.string()).default([]),
  });
  return z.strictObject({ version: z.literal(1), deployments: z.array(rule) });
}

/** The rules for a user. */
export function rulesFor(policy: readonly Rule[], user: number): Rule[] {
  return policy.filter(({ users }) => users === undefined || users.includes(user));
}

/**
 * Holds what a bundle asks for against the rules for its sender.
 *
 * @param signer id of the key that it is signed with, if it is
 * @throws BpfError DEPLOYMENT_REFUSED, SIGNATURE_MISSING
 */
export function checkPolicy(rules: readonly Rule[], config: ProjectConfig, signer: string | undefined): void {
  const { project, environment } = config;
  const what = `${project}@${environment}`;
  const named = rules.filter((rule) => rule.project === project && rule.environments.includes(environment));
  if (named.length === 0) {
    const known = rules.flatMap((rule) => rule.environments.map((each) => `${rule.project}@${each}`));
    throw refused(`this user may not deploy ${what}`, `may: ${known.sort().join(', ') || 'nothing'}`);
  }
  const problems = named.map((rule) => problemsWith(rule, config));
  const fitting = named.filter((_, i) => problems[i]!.length === 0);
  if (fitting.length === 0) throw refused(`${what} asks for what is not allowed`, ...problems[0]!);
  const vouched = ({ signedBy }: Rule): boolean =>
    signedBy.length === 0 || signedBy.some(({ id }) => id === signer);
  if (fitting.some(vouched)) return;
  throw unsigned(what, fitting);
}

/** @throws BpfError SIGNATURE_MISSING where nothing unsigned can be let pass */
export function requireSignature(rules: readonly Rule[], signer: string | undefined): void {
  if (signer !== undefined || rules.length === 0 || rules.some(({ signedBy }) => signedBy.length === 0))
    return;
  throw unsigned('a bundle', rules);
}

function unsigned(what: string, rules: readonly Rule[]): BpfError {
  const keys = [...new Set(rules.flatMap(({ signedBy }) => signedBy.map(({ id }) => id)))].sort();
  return new BpfError('SIGNATURE_MISSING', `${what} has to be signed by ${keys.join(' or ')}`, {
    hint: 'write a bundle, sign it with minisign -S -m FILE, and deploy it with --bundle FILE',
  });
}

function problemsWith(rule: Rule, config: ProjectConfig): string[] {
  const below = (place: string): boolean =>
    rule.pinRoots.some((root) => place === root || place.startsWith(`${root}/`));
  const roots = rule.pinRoots.join(' or ');
  const pins = [
    ['pin.root', config.pin.root] as const,
    ...Object.entries(config.maps).flatMap(([name, { pin }]) =>
      typeof pin === 'object' ? [[`maps.${name}.pin`, pin.path] as const] : [],
    ),
  ];
  const attached = Object.values(config.programs).flatMap(({ attach, variants }) => [
    ...attach,
    ...variants.flatMap((variant) => variant.attach),
  ]);
  const structs = Object.keys(config.structOps);
  return [
    ...(structs.length === 0 || rule.hooks === undefined || rule.hooks.includes('struct_ops')
      ? []
      : [`structOps: hook struct_ops, allowed are ${rule.hooks.join(', ') || 'none'}`]),
    ...(config.pin.mode & 0o022 ? ['pin.mode: others could write the pins'] : []),
    ...pins
      .filter(([, place]) => !below(place))
      .map(([key, place]) => `${key}: found ${place}, expected below ${roots}`),
    ...attached.flatMap((entry) => attachProblems(rule, entry)),
  ].sort();
}

/** A path that root opens for a user has to be one that the user cannot put something else at. */
function attachProblems(rule: Rule, { id, hook, netns, options }: AttachEntry): string[] {
  const { keys } = hooks[hook]!;
  const files = Object.entries(keys).flatMap(([key, { type }]) => {
    const value = options[key];
    return type === 'file' && typeof value === 'string' && value.includes('/') ? [value] : [];
  });
  const pins = Object.entries(keys).flatMap(([key, { type }]) => {
    const value = options[key];
    const pinned = type === 'map' || type === 'program' || type === 'link';
    return pinned && typeof value === 'string' && value.startsWith('/') ? [value] : [];
  });
  const places = [...files, ...(netns?.includes('/') === true ? [netns] : [])];
  return [
    ...(rule.hooks === undefined || rule.hooks.includes(hook)
      ? []
      : [`${id}: hook ${hook}, allowed are ${rule.hooks.join(', ') || 'none'}`]),
    ...places.flatMap((place) => {
      const problem = whyUnsafe(place);
      return problem === undefined ? [] : [`${id}: ${problem}`];
    }),
    ...pins
      .filter((pin) => !rule.pinRoots.some((root) => pin.startsWith(`${root}/`)))
      .map((pin) => `${id}: pin ${pin}, expected below ${rule.pinRoots.join(' or ')}`),
  ];
}

function refused(what: string, ...problems: string[]): BpfError {
  return new BpfError('DEPLOYMENT_REFUSED', `${what}: ${problems.join('; ')}`, {
    problems,
    hint: `${policyFile} on this host says who may deploy what`,
  });
}
