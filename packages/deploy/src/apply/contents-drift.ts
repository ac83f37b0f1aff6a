import path from 'node:path';
import { BpfMap } from '@nx-bpf/loader';
import { Problems, type ContentsConfig, type ProjectConfig } from '../manifest';
import { contentsOf, differenceOf, shapeOf } from '../maps';
import { type Drift } from '../plan';
import { openMap, type Ledger, type LedgerMap } from '../state';

/**
 * Maps whose entries are no longer exactly those that the manifest says; with `merge` and `seed`, others may write what
 * they like. The types are those that the kernel keeps with a map.
 */
export function contentsDrift(
  config: ProjectConfig,
  ledger: Ledger,
): { readonly drift: readonly Drift[]; readonly unseen: readonly string[] } {
  const drift: Drift[] = [];
  const unseen: string[] = [];
  for (const map of ledger.maps) {
    const contents = Object.hasOwn(config.maps, map.name) ? config.maps[map.name]!.contents : undefined;
    if (contents?.mode !== 'exact') continue;
    const found = compare(config, map, contents);
    if (found === undefined) continue;
    if ('unseen' in found) unseen.push(`entries of map ${map.name}: ${found.unseen}`);
    else drift.push({ kind: 'map', name: map.name, text: found.text });
  }
  return { drift, unseen };
}

function compare(
  config: ProjectConfig,
  recorded: LedgerMap,
  contents: ContentsConfig,
): { readonly text: string } | { readonly unseen: string } | undefined {
  const fd = openMap(recorded);
  if (fd === undefined) return undefined;
  const map = new BpfMap(fd.release());
  try {
    const shape = { ...shapeOf(map), name: recorded.name };
    if (shape.btf === undefined) return { unseen: 'its types cannot be read; that takes CAP_SYS_ADMIN' };
    const problems = new Problems();
    const wanted = contentsOf(config, shape, problems);
    if (problems.any || wanted === undefined) return { unseen: problems.lines().join('; ') };
    const { added, changed, removed } = differenceOf(wanted, map);
    if (added + changed + removed === 0) return undefined;
    const source =
      'file' in contents.from ? path.relative(config.workspaceRoot, contents.from.file) : 'the manifest';
    return {
      text: `its entries are not those of ${source}: ${added} missing, ${changed} different, ${removed} not in it`,
    };
  } finally {
    map.close();
  }
}
