import fs from 'node:fs';
import path from 'node:path';
import { type ListedProject } from '../manifest';

/** A file that a C file or header of the workspace includes. Both relative to the workspace. */
export interface Inclusion {
  readonly from: string;
  readonly to: string;
}

/** `#include "x.h"`, `#include <x.h>` and `#include_next`; one that a macro names is not seen. */
const directive = /^[ \t]*#[ \t]*include(?:_next)?[ \t]*(["<])([^">\n]+)[">]/gm;

/**
 * What a project's C includes, directly or not, as far as it is in the workspace. It is found by reading the files, not
 * by the compiler, so that it is the same before and after a build and on every machine. An include that a condition
 * hides counts, and so does every file that a name may mean: rather one too many than one missed.
 *
 * @returns sorted
 *
 * @example
 * ```ts
 * const [agent] = listProjects(process.cwd());
 * scanIncludes(process.cwd(), agent!)[0]; // { from: 'packages/agent/src/edge.bpf.c', to: 'packages/agent/include/agent.h' }
 * ```
 */
export function scanIncludes(workspaceRoot: string, { written }: ListedProject): Inclusion[] {
  const found = new Map<string, Inclusion>();
  const seen = new Set<string>();
  const pending = [...written.sources];
  for (let from = pending.pop(); from !== undefined; from = pending.pop()) {
    if (seen.has(from)) continue;
    seen.add(from);
    for (const { name, quoted } of includesOf(path.join(workspaceRoot, from))) {
      const directories = [...(quoted ? [path.dirname(from)] : []), ...written.includes];
      for (const to of directories.flatMap((directory) => insideFile(workspaceRoot, directory, name))) {
        found.set(`${from}\0${to}`, { from, to });
        pending.push(to);
      }
    }
  }
  return [...found.values()].sort((a, b) => compare(a.from, b.from) || compare(a.to, b.to));
}

function includesOf(file: string): { readonly name: string; readonly quoted: boolean }[] {
  let text;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch {
    // A source that is not there yet: building it says so.
    return [];
  }
  return [...text.matchAll(directive)].map(([, mark, name]) => ({ name: name!, quoted: mark === '"' }));
}

function insideFile(workspaceRoot: string, directory: string, name: string): string[] {
  if (path.isAbsolute(name)) return [];
  const file = path.normalize(path.join(directory, name));
  if (file.startsWith('../')) return [];
  return fs.statSync(path.join(workspaceRoot, file), { throwIfNoEntry: false })?.isFile() === true
    ? [file]
    : [];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
