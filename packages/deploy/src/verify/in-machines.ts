import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import v8 from 'node:v8';
import { BpfError, kernelIdentity, objectDigest } from '@nx-bpf/loader';
import { type CompiledObject } from '../apply';
import { readKernelLock } from '../bundle';
import { type RelocationCache } from '../cache';
import {
  acceleration,
  insertedModules,
  machineFiles,
  requireMachine,
  runGuest,
  type Entry,
  type Outcome,
} from '../machine';
import { type ProjectConfig } from '../manifest';
import { type Progress } from '../toolchain';
import { bootImage, type BootImage } from './boot-image';
import { cachePath } from './cache-folder';
import { taskFile, type GuestAnswer, type GuestError, type GuestTask } from './guest';
import { guestProgram } from './guest-program';
import { loadEach, type LoadVerdict } from './loads';
import { recordFile } from './record';
import { Results } from './results';
import { Stop } from './stop';
import { runningOnly } from './target-kernel';
import { guestRoot, moved } from './guest-paths';

/** What booting the kernels of a manifest is told. */
export interface MachineLevel {
  readonly config: ProjectConfig;
  readonly objects: readonly CompiledObject[];
  /** For the running kernel. */
  readonly cache: RelocationCache;
  /** Directory of results: unchanged programs on an unchanged kernel boot nothing. */
  readonly results: string;
  /** Directory where the console of a guest that failed is kept. */
  readonly consoles: string;
  readonly note: (text: string) => void;
  /** Is told each kernel as it begins. */
  readonly progress?: Progress | undefined;
  /** Only the kernel packages that the lock file has. */
  readonly frozen?: boolean | undefined;
  /** Guests that run at once; default one for each processor. */
  readonly jobs?: number | undefined;
  /** Seconds that a guest may take; default 300. */
  readonly timeout?: number | undefined;
}

/** A kernel of the manifest, and how it took the programs in a virtual machine. */
export interface MachineVerdict {
  readonly kernel: string;
  readonly required: boolean;
  /** What was booted: a package and its version, or a path; null: it was not tried. */
  readonly source: string | null;
  readonly release: string | null;
  readonly sha256: string | null;
  /** Seconds from start to power-off; null: it was not booted, or the result is from before. */
  readonly seconds: number | null;
  readonly success: boolean;
  readonly programs: readonly LoadVerdict[];
  /** Why it was not tried; null if it was. */
  readonly untried: string | null;
  /** Why the guest gave no answer, or a kernel that is required was not tried. */
  readonly error: BpfError | null;
  /** The file with what its kernel said, of a guest that failed. */
  readonly console: string | null;
}

/** Part of the key of a stored result. */
const FORMAT = 'vm-2';
const defaultTimeout = 300;

/**
 * Boots each kernel that the manifest names in a virtual machine of its own, and does there what level `kernel` does.
 * Needs no privileges, but QEMU and busybox. The running kernel needs no machine: with privileges, programs are loaded
 * into it; without, and where there is nothing to boot, a kernel is not tried, which fails if it is required. Where a
 * manifest names none it is the running one.
 *
 * @throws BpfError TOOLCHAIN_NOT_FOUND, FILE, LOCK_MISMATCH; INTERRUPTED after a signal, when all guests are gone
 */
export async function loadInMachines(input: MachineLevel): Promise<readonly MachineVerdict[]> {
  const { config, note } = input;
  const lock = readKernelLock(config, input.frozen === true);
  const named = Object.entries(config.kernels);
  const images = (named.length > 0 ? named : Object.entries(runningOnly)).map(([name, kernel]) => ({
    name,
    required: kernel.required,
    running: 'running' in kernel.btf,
    image: bootImage(name, kernel, note, lock),
  }));
  const program = guestProgram();
  const guests = new Guests(input, program);
  const pending = [...images.entries()];
  const verdicts: MachineVerdict[] = [];
  let begun = 0;
  const jobs = Math.min(input.jobs ?? os.availableParallelism(), pending.length);
  await Stop.guard(async (stop) => {
    const work = async (): Promise<void> => {
      for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
        const [index, { name, required, running, image }] = next;
        begun++;
        input.progress?.({ what: 'booting', name, number: begun, of: images.length });
        const base = { kernel: name, required };
        verdicts[index] =
          image === undefined
            ? { ...base, ...(running ? here(input, base) : notTried(base, noImage)) }
            : { ...base, ...(await guests.run(image, stop.signal)) };
        stop.check();
      }
    };
    try {
      await Promise.all(Array.from({ length: jobs }, work));
    } finally {
      // One that cannot be started ends the others.
      stop.end();
      await guests.ended();
    }
  });
  return verdicts;
}

function here({ config, objects, cache, results, note }: MachineLevel, kernel: NamedBase): Booted {
  try {
    const programs = loadEach({ config, objects, cache, results, note });
    return {
      ...nothingYet,
      source: 'the running kernel, without a machine',
      release: kernelIdentity().release,
      success: programs.every(({ errors }) => errors.length === 0),
      programs,
    };
  } catch (error) {
    if (error instanceof BpfError && error.code === 'PRIVILEGE_MISSING')
      return notTried(kernel, noPrivileges);
    throw error;
  }
}

interface Why {
  readonly why: string;
  readonly hint: string;
}

const noImage: Why = {
  why: 'no image',
  hint: 'name a package or a file as its image in the manifest, or say required: false',
};
const noPrivileges: Why = {
  why: 'no privileges',
  hint: 'programs are loaded into the running kernel by root, or with CAP_BPF and what their types take; or say required: false',
};

/** It is not known whether the programs are for such a kernel, which does not do where they have to be. */
function notTried({ kernel, required }: NamedBase, { why, hint }: Why): Booted {
  const text = `kernel ${kernel} is required, and was not tried: ${why}`;
  const error = required ? new BpfError('REQUIRED_KERNEL_FAILED', text, { hint }) : null;
  return { ...nothingYet, success: !required, untried: why, error };
}

const nothingYet = {
  source: null,
  release: null,
  sha256: null,
  seconds: null,
  success: true,
  untried: null,
  programs: [],
  error: null,
  console: null,
};

type NamedBase = Pick<MachineVerdict, 'kernel' | 'required'>;
type Booted = Omit<MachineVerdict, 'kernel' | 'required'>;

class Guests {
  private readonly results: Results;
  private readonly files: [string, Entry][];
  private readonly asked: string;
  private readonly running = new Set<Promise<Outcome>>();
  private machine: ReadonlyMap<string, Entry> | undefined;

  constructor(
    private readonly input: MachineLevel,
    program: Uint8Array,
  ) {
    const { config, objects, results, note } = input;
    this.results = new Results(results, note);
    const files = [...objects.map(({ file }) => file), ...filesNamed(config)];
    const task = moved<GuestTask>(
      {
        config,
        objects: objects.map(({ name, file }) => ({ name, file: path.resolve(file) })),
        files: files.map((file) => [path.resolve(file), readNamed(file)]),
      },
      config.workspaceRoot,
      guestRoot,
    );
    this.files = [
      ['verify/guest.js', { bytes: program }],
      [taskFile.slice(1), { bytes: v8.serialize(task) }],
    ];
    this.asked = objectDigest(
      Buffer.from(JSON.stringify(this.files.map(([name, entry]) => [name, digestOf(entry)]))),
    );
  }

  /** Waits for guests that are being ended. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.running);
  }

  async run(image: BootImage, signal: AbortSignal): Promise<Booted> {
    const { source, release, sha256, config } = image;
    const key = [
      FORMAT,
      this.asked,
      sha256,
      config === undefined ? null : objectDigest(fs.readFileSync(config)),
      // Those of a package are known by its digest.
      image.packaged ? null : [...insertedModules(image)].map(([name, bytes]) => [name, objectDigest(bytes)]),
    ];
    const known = this.results.known<GuestAnswer>(key);
    const base = { ...nothingYet, source: this.relative(source), release, sha256 };
    if (known !== undefined) return { ...base, ...this.verdictOf(known) };
    const said = { output: '', errors: '' };
    const { architecture, timeout = defaultTimeout } = { architecture: machineArchitecture(), ...this.input };
    if (this.machine === undefined) requireMachine(architecture);
    this.machine ??= machineFiles();
    const guest = runGuest({
      kernel: image,
      files: new Map([...this.machine, ...this.files]),
      command: ['node', '/verify/guest.js'],
      architecture,
      acceleration: acceleration(image.image, architecture, path.dirname(cachePath('kvm', 'boot'))),
      timeout,
      output: (chunk) => (said.output += chunk),
      errors: (chunk) => (said.errors += chunk),
      signal,
    });
    this.running.add(guest);
    const outcome = await guest;
    const answer = outcome.status === 0 ? answerOf(said.output) : undefined;
    if (answer === undefined) return { ...base, ...this.failed(image, outcome, said.errors) };
    this.results.keep(key, answer);
    return { ...base, ...this.verdictOf(answer), seconds: Math.round(outcome.seconds * 10) / 10 };
  }

  /** A guest without an answer: why, with the end of what its kernel said, all of which is kept. */
  private failed(image: BootImage, outcome: Outcome, errors: string): Partial<Booted> & Failure {
    const { consoles } = this.input;
    const file = path.join(consoles, `${image.name}.console.log`);
    const text = `${outcome.console}${errors === '' ? '' : `\n${errors}`}`;
    fs.mkdirSync(consoles, { recursive: true });
    fs.writeFileSync(file, text);
    const what = outcome.failure ?? `what verifies ended with ${outcome.status}`;
    const console = this.relative(file);
    const error = new BpfError('REQUIRED_KERNEL_FAILED', `kernel ${image.name}: ${what}`, {
      path: console,
      hint: `its console is in ${console}`,
      problems: text.trimEnd().split(/\r?\n/).slice(-lastLines),
    });
    return { success: false, programs: [], error, console };
  }

  private verdictOf(answer: GuestAnswer): Failure {
    return verdictOf(moved(answer, guestRoot, this.input.config.workspaceRoot));
  }

  private relative(file: string): string {
    return path.isAbsolute(file) ? path.relative(this.input.config.workspaceRoot, file) : file;
  }
}

type Failure = Pick<Booted, 'success' | 'programs' | 'error'>;

/** Of a console that are shown. */
const lastLines = 12;

function verdictOf({ programs, error }: GuestAnswer): Failure {
  const unpacked = programs.map(({ errors, ...program }) => ({ ...program, errors: errors.map(revived) }));
  return {
    programs: unpacked,
    error: error === null ? null : revived(error),
    success: error === null && unpacked.every(({ errors }) => errors.length === 0),
  };
}

function revived({ code, message, fields }: GuestError): BpfError {
  // The message has its fields already.
  return Object.assign(new BpfError(code, '', fields), { message });
}

function answerOf(text: string): GuestAnswer | undefined {
  try {
    return JSON.parse(text) as GuestAnswer;
  } catch {
    return undefined;
  }
}

/** Files that loading and running read: contents of maps, packets, and what was recorded. */
function filesNamed(config: ProjectConfig): string[] {
  const found = new Set<string>();
  for (const { contents } of Object.values(config.maps)) {
    if (contents !== undefined && 'file' in contents.from) found.add(contents.from.file);
  }
  for (const { packet, expect } of config.runs) {
    for (const each of [packet, expect.output])
      if (each !== undefined && 'file' in each) found.add(each.file);
  }
  const record = path.join(config.projectRoot, recordFile);
  if (fs.existsSync(record)) found.add(record);
  return [...found].sort();
}

function readNamed(file: string): Uint8Array {
  try {
    return fs.readFileSync(file);
  } catch (cause) {
    throw new BpfError('FILE', `${file} cannot be read: ${(cause as Error).message}`, { path: file }, cause);
  }
}

function digestOf(entry: Entry): string {
  return 'link' in entry ? entry.link : objectDigest(entry.bytes);
}

function machineArchitecture(): 'amd64' | 'arm64' {
  return process.arch === 'arm64' ? 'arm64' : 'amd64';
}
