/** Options that the executors have in common; described for people in each schema.json. */
export interface DeployOptions {
  /** Environment of the manifest; without it the manifest's `defaultEnvironment`. */
  readonly environment?: string;
  /** `path.to.key=value`, each laid over the manifest as its last word. */
  readonly set?: readonly string[];
  readonly verbose?: boolean;
}
