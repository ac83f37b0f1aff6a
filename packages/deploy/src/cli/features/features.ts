import fs from 'node:fs';
import {
  attachTypes,
  Btf,
  BtfKind,
  features as loaderFeatures,
  findMount,
  findTracefs,
  hasFeature,
  hasMapType,
  hasProgramType,
  hooks,
  kernelBtfBytes,
  kernelIdentity,
  mapTypes,
  missingCapabilities,
  moduleBtfNames,
  privileges,
  probeHooks,
  programTypes,
} from '@nx-bpf/loader';
import { BpfError } from '@nx-bpf/loader/errors';
import pc from 'picocolors';
import { table } from '../../report';
import { done } from '../group';
import { type Outcome } from '../request';

/** Whether the kernel has something; null where it would not say (EPERM: refused, whatever the cause). */
type Available = boolean | null;

interface Named {
  readonly name: string;
  readonly available: Available;
}

/** `nx-bpf features` */
export function features(options: { json?: boolean }): Outcome {
  const result = ask();
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : `${render(result).join('\n')}\n`);
  return { ...done, result };
}

function ask() {
  const { release, buildId } = kernelIdentity();
  const btf = kernelTypes();
  const known = btf && enumerators(btf, 'bpf_attach_type');
  return {
    kernel: { release, buildId: buildId ?? null },
    missingCapabilities: missingCapabilities(
      ['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN', 'CAP_SYS_ADMIN'],
      privileges(),
    ),
    system: {
      btf: btf !== undefined,
      moduleBtf: moduleBtfNames(),
      bpffs: findMount('bpf') ?? null,
      tracefs: findTracefs() ?? null,
      cgroup2: findMount('cgroup2') ?? null,
      jit: sysctl('net/core/bpf_jit_enable'),
      jitHarden: sysctl('net/core/bpf_jit_harden'),
      unprivilegedDisabled: sysctl('kernel/unprivileged_bpf_disabled'),
      lockdown: lockdown(),
    },
    features: Object.entries(loaderFeatures)
      .map(([key, feature]) => ({
        key,
        name: feature.name,
        since: feature.since,
        available: hasFeature(feature) ?? null,
      }))
      .sort((a, b) => compareVersions(a.since, b.since) || (a.key < b.key ? -1 : 1)),
    mapTypes: named(mapTypes.names, hasMapType),
    programTypes: named(programTypes.names, hasProgramType),
    hooks: [...probeHooks()].map(([name, { loads, attaches, reason }]) => ({
      name,
      since: hooks[name].since,
      loads: loads ?? null,
      attaches: attaches ?? null,
      reason: reason ?? null,
    })),
    attachTypes: attachTypes.names
      .map((name, type): Named => ({ name, available: known === undefined ? null : known.has(BigInt(type)) }))
      .sort(byName),
  };
}

type Features = ReturnType<typeof ask>;

function named(names: readonly string[], has: (type: number) => boolean | undefined): Named[] {
  return names
    .map((name, type) => ({ name, type }))
    .filter(({ name }) => name !== 'unspec')
    .map(({ name, type }) => ({ name, available: has(type) ?? null }))
    .sort(byName);
}

function byName(a: Named, b: Named): number {
  return a.name < b.name ? -1 : 1;
}

function kernelTypes(): Btf | undefined {
  try {
    return Btf.parse(kernelBtfBytes(), { trusted: true });
  } catch (error) {
    if (error instanceof BpfError && error.code === 'KERNEL_BTF_MISSING') return undefined;
    throw error;
  }
}

function enumerators(btf: Btf, name: string): ReadonlySet<bigint> {
  const id = btf.find(name, BtfKind.ENUM);
  const end = `__MAX_${name.toUpperCase()}`;
  const values = new Set<bigint>();
  for (let i = 0; id !== 0 && i < btf.vlen(id); i++) {
    if (btf.enumName(id, i) !== end && !btf.enumName(id, i).startsWith('__MAX'))
      values.add(btf.enumValue(id, i));
  }
  return values;
}

function sysctl(name: string): number | null {
  const text = readText(`/proc/sys/${name}`);
  return text === null ? null : Number(text);
}

/** `none [integrity] confidentiality` */
function lockdown(): string | null {
  const text = readText('/sys/kernel/security/lockdown');
  return /\[(\w+)\]/.exec(text ?? '')?.[1] ?? null;
}

function readText(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}

function compareVersions(a: string, b: string): number {
  const [[x = 0, y = 0], [z = 0, w = 0]] = [a, b].map((version) => version.split('.').map(Number)) as [
    number[],
    number[],
  ];
  return x - z || y - w;
}

function render(result: Features): string[] {
  const { system } = result;
  const lines = [`Linux ${result.kernel.release}, build ${result.kernel.buildId ?? 'unknown'}`];
  if (result.missingCapabilities.length > 0)
    lines.push(pc.yellow(`this process lacks ${result.missingCapabilities.join(', ')}`));
  const section = (title: string, rows: readonly string[]): void => {
    lines.push('', pc.bold(title), ...rows.map((row) => `  ${row}`));
  };
  section(
    'System',
    table(Object.entries(system), [
      { title: 'what', of: ([name]) => name },
      {
        title: '',
        of: ([, value]) => (Array.isArray(value) ? value.join(' ') || '-' : String(value ?? 'unknown')),
      },
    ]).slice(1),
  );
  section(
    'Features',
    table(result.features, [
      { title: 'there', of: (f) => word(f.available) },
      { title: 'since', of: (f) => f.since },
      { title: 'what', of: (f) => f.name },
    ]),
  );
  section(
    'Hooks',
    table(result.hooks, [
      { title: 'hook', of: (h) => h.name },
      { title: 'since', of: (h) => h.since },
      { title: 'loads', of: (h) => told(h.loads) },
      { title: 'attaches', of: (h) => told(h.attaches) },
      { title: 'why not', of: (h) => h.reason ?? '' },
    ]),
  );
  for (const [title, list] of [
    ['Map types', result.mapTypes],
    ['Program types', result.programTypes],
    ['Attach types', result.attachTypes],
  ] as const) {
    const of = (available: Available): string =>
      list
        .filter((entry) => entry.available === available)
        .map(({ name }) => name)
        .join(' ');
    const rows = [`there: ${of(true)}`];
    if (of(false) !== '') rows.push(`not there: ${of(false)}`);
    if (of(null) !== '') rows.push(`refused: ${of(null)}`);
    section(title, rows);
  }
  return lines;
}

function word(available: Available): string {
  return available === null ? 'refused' : available ? 'yes' : 'no';
}

function told(answer: Available): string {
  return answer === null ? 'unknown' : word(answer);
}
