import { type BpfError } from '@nx-bpf/loader';
import { type OpenBundle } from '../bundle';
import { type ProjectConfig } from '../manifest';
import { type Annotation } from '../report';
import { type Progress } from '../toolchain';
import { type Surroundings } from './surroundings';

/** What is asked for: a command on a project in an environment. */
export interface Request {
  readonly workspaceRoot: string;
  /** Of a bundle '' stands for the one that it is of. */
  readonly project: string;
  /** The manifest's default environment if left out. */
  readonly environment?: string | undefined;
  /** `path=value`, laid over the manifest. */
  readonly set?: readonly string[] | undefined;
  /** One JSON value on stdout, people's text on stderr. */
  readonly json?: boolean | undefined;
  /** Whole verifier logs, causes of errors, compiler commands. */
  readonly verbose?: boolean | undefined;
  /** Of `build` and `apply`: again after each save of what they depend on, until Ctrl-C. */
  readonly watch?: boolean | undefined;
  /** Of `plan`, `bundle` and `report`: where to save it, relative to the current directory. */
  readonly out?: string | undefined;
  /** Refuse what is not built as the lock file says. */
  readonly frozen?: boolean | undefined;
  /** File of a bundle, in place of a workspace. */
  readonly bundle?: string | undefined;
  /** File with the bundle's signature; by default its name with `.minisig` behind, if that is there. */
  readonly signature?: string | undefined;
  /** Public keys of minisign, or files with one: the bundle has to be signed with one of them. */
  readonly signedBy?: readonly string[] | undefined;
  /**
   * Of `verify` and `report`: `offline` against the types of kernels (by default), or by the running `kernel`; of
   * `verify` also in a `vm` for each kernel, and several with commas.
   */
  readonly level?: string | undefined;
  /** Of `verify` at level `vm`: how many guests run at once; by default one for each processor. */
  readonly jobs?: number | undefined;
  /** Of `verify` at level `vm`: seconds after which a guest is ended; 300 by default. */
  readonly timeout?: number | undefined;
  /** Of `verify` at level `kernel`: record how much the verifier walked. */
  readonly record?: boolean | undefined;
  /** Of `build` and `verify`: a SARIF file of what is wrong, relative to the current directory. */
  readonly sarif?: string | undefined;
  /** Of `plan`: load what is new or changed, and let it go again. */
  readonly verify?: boolean | undefined;
  /** Of `plan`: exit status 2 if there is something to do. */
  readonly detailedExitcode?: boolean | undefined;
  /** Of `apply`: the file of a saved plan, to be carried out exactly. */
  readonly plan?: string | undefined;
  /** Of `rollback`: the generation to go back to; by default the one before. */
  readonly to?: number | undefined;
  /** Of `status`: bring what was interrupted or damaged back to what the ledger says. */
  readonly repair?: boolean | undefined;
  /** Of `types`: where to write them, relative to the project; `src/bpf-types.ts` by default. */
  readonly output?: string | undefined;
  /** Of `destroy`: protected maps too. */
  readonly force?: boolean | undefined;
}

/** How a command ended. `result` is what `--json` prints. */
export interface Outcome {
  readonly success: boolean;
  readonly exitStatus: number;
  readonly result: unknown;
}

/** What a command has to say to people, and to scripts. */
export interface Answer {
  readonly lines: readonly string[];
  readonly result: Record<string, unknown>;
  /** 0 unless the command itself says otherwise (`status` of a drifted deployment). */
  readonly exitStatus?: number;
  /** What is wrong, place by place. Of an error that ends the command they are made from it. */
  readonly annotations?: readonly Annotation[] | undefined;
  /** What scripts read beside the result: the command has said it to people, and ends with its status. */
  readonly error?: BpfError | undefined;
}

/** What a command is given to work with. */
export interface CommandInput {
  readonly config: ProjectConfig;
  /** What `--bundle` names, if anything: then the manifest and the objects are its. */
  readonly bundle: OpenBundle | undefined;
  readonly request: Request;
  readonly note: (text: string) => void;
  /** Is told where long work is; undefined where nobody looks. */
  readonly progress: Progress | undefined;
  readonly verbose: boolean;
  readonly surroundings: Surroundings;
}
