import path from 'node:path';
import { BpfError, parseObject, type ObjectSpec, type RelocatedObject } from '@nx-bpf/loader';
import {
  hasPrograms,
  programsInStructs,
  readObject,
  withValues,
  type CompiledObject,
  type ObjectFile,
} from '../apply';
import { readKernelLock } from '../bundle';
import { everyProgram, Problems, type ProjectConfig } from '../manifest';
import { type Progress } from '../toolchain';
import { checkRuns } from './check-runs';
import { withDeciding, type VariantVerdict } from './deciding';
import { relocates, type WantedProgram } from './relocates';
import { Results } from './results';
import { openKernel, runningOnly, type NamedKernel } from './target-kernel';
import { fails, type KernelVerdict } from './verdict';

/** What verifying is told. */
export interface VerifyInput {
  readonly config: ProjectConfig;
  readonly objects: readonly CompiledObject[];
  /** Directory of results: of an object that was verified for a kernel before, nothing is read but this. */
  readonly results: string;
  readonly note: (text: string) => void;
  /** Is told each kernel as it begins. */
  readonly progress?: Progress | undefined;
  /** Only the kernel packages that the lock file has. */
  readonly frozen?: boolean | undefined;
}

/** Part of the key of a stored result: another form of result, or another way to it, is another number. */
const FORMAT = 2;

/**
 * Verifies every program of a project for every kernel that its manifest names, with the constants of its environment:
 * whether it relocates there, without that kernel running. Needs no privileges.
 *
 * @throws BpfError MANIFEST_INVALID for programs and constants that the objects do not have; what is wrong with an object
 * or with a kernel's file; LOCK_MISMATCH for a package that is not the one that is locked, if it has to be
 *
 * @example
 * ```ts
 * const kernels = await verify({ config, objects, results: '.nx-bpf/cache/verify', note: console.log });
 * kernels.filter(({ success }) => !success).map(({ kernel }) => kernel); // names of kernels it is not for
 * ```
 */
export async function verify(input: VerifyInput): Promise<readonly KernelVerdict[]> {
  const { config, note } = input;
  const objects = input.objects.map((object) => new VerifiedObject(config, object));
  for (const object of objects) object.check();
  const named = Object.entries(config.kernels);
  const kernels = named.length > 0 ? named : Object.entries(runningOnly);
  const results = new Results(input.results, note);
  const lock = readKernelLock(config, input.frozen === true);
  const verdicts: KernelVerdict[] = [];
  for (const [index, [name, kernel]] of kernels.entries()) {
    input.progress?.({ what: 'verifying for', name, number: index + 1, of: kernels.length });
    try {
      const opened = await openKernel(name, kernel, note, lock);
      verdicts.push(verdictOf(config, objects, opened, results));
    } catch (error) {
      throw error instanceof BpfError ? about(name, error) : error;
    }
  }
  return verdicts;
}

function verdictOf(
  config: ProjectConfig,
  objects: readonly VerifiedObject[],
  kernel: NamedKernel,
  results: Results,
): KernelVerdict {
  const { workspaceRoot } = config;
  const all = objects.flatMap((object) => found(results, object, kernel));
  const order = Object.entries(config.programs).flatMap(([name, { variants }]) =>
    variants.length === 0 ? [name] : variants.map((variant) => `${name} ${variant.name}`),
  );
  const placeOf = ({ verdict, variant }: VariantVerdict): number =>
    order.indexOf(variant === undefined ? verdict.program : `${verdict.program} ${variant.name}`);
  // Programs that only structs name come last, in the order of their object.
  const last = (place: number): number => (place < 0 ? order.length : place);
  all.sort((a, b) => last(placeOf(a)) - last(placeOf(b)));
  const programs = withDeciding(all, kernel, config);
  const { name, required, source, release, sha256 } = kernel;
  return {
    kernel: name,
    required,
    source: path.isAbsolute(source) ? path.relative(workspaceRoot, source) : source,
    release: release ?? null,
    sha256: sha256 ?? null,
    success: !programs.some(fails),
    programs,
  };
}

/** What is wrong with the manifest has its place already. */
function about(kernel: string, error: BpfError): BpfError {
  if (error.code === 'MANIFEST_INVALID') return error;
  return new BpfError(error.code, `kernel ${kernel}: ${error.message}`, { ...error.fields, ...said }, error);
}

/** The message has these already. */
const said = { found: undefined, expected: undefined, hint: undefined };

/** The verdicts of an object's programs: as they were found before, or now. */
function found(results: Results, object: VerifiedObject, kernel: NamedKernel): VariantVerdict[] {
  const verdicts = results.get([FORMAT, object.digest, object.asked, kernel.identity], () =>
    object.programs.map((program) =>
      relocates(object.spec(), program, kernel.target, (relocated) => object.withConstants(relocated)),
    ),
  );
  return verdicts.map((verdict, i) => {
    const { variant, struct } = object.programs[i]!;
    return { verdict, variant, struct };
  });
}

/** An object of the project and what the manifest asks of it. */
class VerifiedObject {
  readonly programs: readonly WantedProgram[];
  private readonly file: ObjectFile;
  private parsed: ObjectSpec | undefined;

  constructor(
    private readonly config: ProjectConfig,
    private readonly object: CompiledObject,
  ) {
    this.file = readObject(object.file);
    this.programs = [
      ...everyProgram(config)
        .filter((program) => program.object === object.name)
        .map(({ program, ...rest }) => ({ name: program, ...rest })),
      ...programsInStructs(config, object.name, this.spec()).map(({ id, name }) => ({
        name,
        struct: id,
        variant: undefined,
        object: object.name,
        function: name,
        attach: [],
      })),
    ];
  }

  get digest(): string {
    return this.file.digest;
  }

  /** What beside the object's bytes a result depends on, but for the kernel. */
  get asked(): unknown {
    const { constants } = this.config.objects[this.object.name]!;
    return [this.object.name, constants, this.programs];
  }

  spec(): ObjectSpec {
    this.parsed ??= parseObject(this.file.bytes, { name: this.object.name });
    return this.parsed;
  }

  /** @throws BpfError MANIFEST_INVALID, before any kernel is looked at */
  check(): void {
    const problems = new Problems();
    if (hasPrograms(this.config, this.object.name, this.spec(), problems))
      checkRuns(this.config, this.spec(), problems);
    problems.throwIfAny();
  }

  withConstants(relocated: RelocatedObject): RelocatedObject {
    const problems = new Problems();
    const object = withValues(this.config, this.object.name, relocated, problems);
    problems.throwIfAny();
    return object;
  }
}
