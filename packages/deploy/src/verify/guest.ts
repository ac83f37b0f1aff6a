import fs from 'node:fs';
import path from 'node:path';
import v8 from 'node:v8';
import { BpfError, kernelIdentity } from '@nx-bpf/loader';
import { RelocationCache } from '../cache';
import { type ProjectConfig } from '../manifest';
import { type CompiledObject } from '../apply';
import { loadEach, type LoadVerdict } from './loads';

/** What a guest is asked, as {@link v8.serialize} writes it: configurations hold numbers of 64 bits. */
export interface GuestTask {
  readonly config: ProjectConfig;
  readonly objects: readonly CompiledObject[];
  /** What these name, by their paths here: so that paths in what is said are the same there. */
  readonly files: readonly (readonly [string, Uint8Array])[];
}

/** An error on its way out of a guest. */
export interface GuestError {
  readonly code: BpfError['code'];
  readonly message: string;
  readonly fields: BpfError['fields'];
}

/** What a guest answers, as a line of JSON. */
export interface GuestAnswer {
  readonly release: string;
  readonly programs: readonly (Omit<LoadVerdict, 'errors'> & { readonly errors: readonly GuestError[] })[];
  /** Why there are none. */
  readonly error: GuestError | null;
}

/** Where a guest's task is. */
export const taskFile = '/verify/task';

/** What a guest does: level `kernel`, in the kernel that runs there; its answer is on standard output. */
export function answerTask(): void {
  const { config, objects, files } = v8.deserialize(fs.readFileSync(taskFile)) as GuestTask;
  // Only now, since file systems are mounted over /tmp and others of the guest's first one.
  for (const [file, bytes] of files) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, bytes);
  }
  const note = (text: string): void => void process.stderr.write(`${text}\n`);
  const { release } = kernelIdentity();
  let answer: GuestAnswer;
  try {
    const cache = new RelocationCache('/root/relocated');
    const programs = loadEach({ config, objects, cache, results: '/root/results', note });
    answer = {
      release,
      programs: programs.map(({ errors, ...program }) => ({ ...program, errors: errors.map(packed) })),
      error: null,
    };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    answer = { release, programs: [], error: packed(error) };
  }
  process.stdout.write(
    `${JSON.stringify(answer, (_key, each: unknown) => (typeof each === 'bigint' ? String(each) : each))}\n`,
  );
}

function packed({ code, message, fields }: BpfError): GuestError {
  return { code, message, fields };
}
