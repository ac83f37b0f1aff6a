import fs from 'node:fs';
import path from 'node:path';
import { type Fd } from '@nx-bpf/loader';
import { generationLedger, generationPath, programPin, type Layout } from '../state';
import { type Live } from './load-programs';
import { makeDirectories, pin } from './pins';
import { type Undo } from './undo';

/** Pins the programs of a generation and its ledger under a directory of its own; nothing refers to it yet. */
export function pinGeneration(
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
