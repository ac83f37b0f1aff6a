/** Options that the executors have in common; described for people in each schema.json. */
export interface DeployOptions {
  /** Environment of the manifest; without it the manifest's `defaultEnvironment`. */
  readonly environment?: string;
  /** `path.to.key=value`, each laid over the manifest as its last word. */
  readonly set?: readonly string[];
  readonly verbose?: boolean;
}

/** Of what compiles. */
export interface FrozenOptions extends DeployOptions {
  /** Refuse what is not built as the lock file says. */
  readonly frozen?: boolean;
}

export interface BundleOptions extends FrozenOptions {
  readonly out?: string;
}

export interface ReportOptions extends FrozenOptions {
  readonly out?: string;
  readonly level?: 'offline' | 'kernel';
}

export interface BuildOptions extends FrozenOptions {
  /** Again after each save, until Ctrl-C. */
  readonly watch?: boolean;
  /** File of what is wrong, in SARIF. */
  readonly sarif?: string;
}

export interface LoadOptions extends Omit<BuildOptions, 'sarif'> {
  /** File of a saved plan. */
  readonly plan?: string;
}

export interface StatusOptions extends DeployOptions {
  readonly repair?: boolean;
}

export interface UnloadOptions extends DeployOptions {
  /** Protected maps too. */
  readonly force?: boolean;
}

export interface RollbackOptions extends DeployOptions {
  /** Number of a generation. */
  readonly to?: number;
}

export interface PlanOptions extends FrozenOptions {
  readonly out?: string;
  readonly verify?: boolean;
  readonly detailedExitcode?: boolean;
}

export interface VerifyOptions extends FrozenOptions {
  /** File of what is wrong, in SARIF. */
  readonly sarif?: string;
  /** Of `offline`, `kernel`, `vm`; several with commas. */
  readonly level?: string;
  /** Guests that run at once. */
  readonly jobs?: number;
  /** Seconds after which a guest is ended. */
  readonly timeout?: number;
}

export interface TypesOptions extends DeployOptions {
  /** Relative to the project. */
  readonly output?: string;
}
