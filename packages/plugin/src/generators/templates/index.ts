import { readFileSync } from 'node:fs';
import path from 'node:path';

/** What a generated program is attached to, as an entry of `attach` says it. */
type Attachment = Readonly<Record<string, boolean | Readonly<Record<string, string>>>>;

export interface Template {
  readonly about: string;
  /** Where it does no harm: the loopback interface, or what may be missing. */
  readonly attach: readonly Attachment[];
}

/** The programs that can be generated; the C of each is `<name>.bpf.c` beside this file. */
export const templates = {
  xdp: {
    about: 'packets as a network driver receives them',
    attach: [{ xdp: { interface: 'lo', mode: 'generic' } }],
  },
  tc: {
    about: 'packets at traffic control, coming in or going out',
    attach: [{ tcx: { interface: 'lo' } }],
  },
  tracepoint: { about: 'a static tracepoint of the kernel', attach: [{ tracepoint: {} }] },
  cgroup: {
    about: 'what the processes of a cgroup send',
    attach: [{ optional: true, cgroup: { path: 'user.slice' } }],
  },
  kprobe: { about: 'a function of the kernel', attach: [{ kprobe: {} }] },
  lsm: { about: 'a decision of the kernel about access', attach: [{ lsm: {} }] },
  empty: { about: 'nothing yet: a program to be run by hand', attach: [] },
} as const satisfies Record<string, Template>;

export type TemplateName = keyof typeof templates;

export const templateNames = Object.keys(templates) as TemplateName[];

/**
 * The C of a template, its program under another name.
 *
 * @param name a C identifier
 */
export function source(template: TemplateName, name: string): string {
  return readFileSync(path.join(__dirname, `${template}.bpf.c`), 'utf8').replaceAll('program_name', name);
}

/** A name as a C identifier: `edge-guard` is `edge_guard`. */
export function identifier(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_');
}
