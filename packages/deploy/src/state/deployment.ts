/** What is in the kernel for a project and environment: what `apply`, `status` and `destroy` print and return. */
export interface Deployment {
  readonly project: string;
  readonly environment: string;
  readonly generation: number;
  readonly programs: readonly DeployedProgram[];
  readonly maps: readonly DeployedMap[];
  readonly links: readonly DeployedLink[];
}

export interface DeployedProgram {
  readonly name: string;
  readonly object: string;
  readonly section: string;
  readonly type: string;
  readonly id: number;
  readonly tag: string;
  readonly insns: number;
  /** Instructions that the verifier walked; null where the kernel does not say. */
  readonly verified: number | null;
  readonly pin: string;
}

export interface DeployedMap {
  readonly name: string;
  readonly type: string;
  readonly id: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly pin: string | null;
  /** It was there before us at the pin that the manifest names: never removed. */
  readonly adopted: boolean;
}

export interface DeployedLink {
  readonly id: string;
  readonly program: string;
  readonly hook: string;
  readonly target: string;
  readonly kernelId: number;
  readonly pin: string;
}
