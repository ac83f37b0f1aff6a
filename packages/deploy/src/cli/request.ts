import { type ProjectConfig } from '../manifest';

/** What is asked for: a command on a project in an environment. */
export interface Request {
  readonly workspaceRoot: string;
  readonly project: string;
  /** The manifest's default environment if left out. */
  readonly environment?: string | undefined;
  /** `path=value`, laid over the manifest. */
  readonly set?: readonly string[] | undefined;
  /** One JSON value on stdout, people's text on stderr. */
  readonly json?: boolean | undefined;
  /** Whole verifier logs, causes of errors, compiler commands. */
  readonly verbose?: boolean | undefined;
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
}

/** What a command is given to work with. */
export interface CommandInput {
  readonly config: ProjectConfig;
  readonly note: (text: string) => void;
  readonly verbose: boolean;
}
