import fs from 'node:fs';
import { BpfError } from '@nx-bpf/loader';

/** What a command reads and writes beside the kernel: a helper does neither itself, but asks its caller. */
export interface Surroundings {
  write(stream: 'stdout' | 'stderr', text: string): void;
  /** Text of a saved plan. */
  readPlan(file: string): string;
  savePlan(file: string, text: string): void;
}

/** Those of this process. */
export const ofThisProcess: Surroundings = {
  write: (stream, text) => void process[stream].write(text),

  readPlan(file) {
    try {
      return fs.readFileSync(file, 'utf8');
    } catch (cause) {
      const why = (cause as Error).message;
      throw new BpfError('FILE', `plan ${file} cannot be read: ${why}`, { path: file }, cause);
    }
  },

  /** Readable by its owner alone: it tells what runs on a host. */
  savePlan(file, text) {
    try {
      fs.writeFileSync(file, text, { mode: 0o600 });
    } catch (cause) {
      const why = (cause as Error).message;
      throw new BpfError('FILE', `the plan cannot be saved as ${file}: ${why}`, { path: file }, cause);
    }
  },
};
