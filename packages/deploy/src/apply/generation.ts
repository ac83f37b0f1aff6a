import fs from 'node:fs';
import path from 'node:path';
import { BpfError, type Fd } from '@nx-bpf/loader';
import { type ProjectConfig } from '../manifest';
import {
  createLedgerMap,
  generationLedger,
  generationPath,
  programPin,
  type Layout,
  type Ledger,
} from '../state';
import { type Live } from './load-programs';
import { makeDirectories, pin, replacePin } from './pins';
import { tidy } from './tidy';
import { type Undo } from './undo';

/**
 * The end of a deployment, once its links run: the rename of the ledger is the commit, and what only the generation
 * before had goes after it.
 *
 * @throws BpfError FILE if what is left of the generation before cannot be removed: this one is there all the same
 */
export function commitGeneration(
  { config, layout, undo }: { readonly config: ProjectConfig; readonly layout: Layout; readonly undo: Undo },
  ledger: Ledger,
  live: Live,
): void {
  const { mode } = config.pin;
  const { generation } = ledger;
  const ledgerMap = createLedgerMap(ledger);
  undo.own('ledger', ledgerMap);
  pinGeneration(layout, generation, live, ledgerMap, mode, undo);
  replacePin(ledgerMap, 'ledger', layout.ledger, mode);
  undo.commit();
  try {
    tidy(layout, ledger, config.deploy.keepGenerations);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BpfError(
      'FILE',
      `generation ${generation} of ${ledger.project}/${ledger.environment} is deployed, but what it does not need any more cannot all be removed: ${why}`,
      { path: layout.base, hint: 'the next apply, rollback or status --repair tries again' },
      cause,
    );
  }
}

/** Pins the programs of a generation and its ledger under a directory of its own; nothing refers to it yet. */
function pinGeneration(
  layout: Layout,
  generation: number,
  live: Live,
  ledger: Fd,
  mode: number,
  undo: Undo,
): void {
  const directory = generationPath(layout, generation);
  makeDirectories(layout.generations, mode, undo);
  undo.push(`remove ${directory}`, () => fs.rmSync(directory, { recursive: true, force: true }));
  makeDirectories(path.join(directory, 'programs'), mode, undo);
  for (const [name, program] of live.programs) {
    pin(program.fd, `program '${name}'`, programPin(layout, generation, name), mode);
  }
  pin(ledger, 'ledger', generationLedger(layout, generation), mode);
}
