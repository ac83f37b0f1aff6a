import { type AttachEntry, type MapConfig, type BudgetConfig } from '../manifest';
import { type Plan } from '../plan';
import { type KernelVerdict, type LoadVerdict } from '../verify';
import { type ByteRun } from './bytes-of-type';
import { type ListedFunction } from './listing';
import { type Walked } from './verifier-walk';

/** Everything that a page shows of a project in an environment. */
export interface Report {
  readonly project: string;
  readonly environment: string;
  /** SHA-256 of the merged manifest. */
  readonly revision: string;
  readonly objects: readonly ReportedObject[];
  readonly programs: readonly ReportedProgram[];
  readonly maps: readonly ReportedMap[];
  /** What programs were held against without loading them. */
  readonly kernels: readonly KernelVerdict[];
  /** Release of the kernel that loaded them; undefined: none was asked. */
  readonly loadedBy: string | undefined;
  /** What the last `plan` found, if it was asked for. */
  readonly plan: Plan | undefined;
}

export interface ReportedObject {
  readonly name: string;
  /** Relative to the workspace. */
  readonly file: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

export interface ReportedProgram {
  /** `execs`, or `execs (old)` of a variant. */
  readonly name: string;
  readonly object: string;
  readonly function: string;
  readonly section: string;
  /** `xdp`; undefined where the section does not say. */
  readonly type: string | undefined;
  /** Slots of the linked program. */
  readonly insns: number;
  readonly functions: readonly ListedFunction[];
  /** Deployed names, sorted. */
  readonly maps: readonly string[];
  readonly attach: readonly ReportedAttachment[];
  readonly budgets: BudgetConfig;
  /** What became of loading it, where that was tried. */
  readonly load: LoadVerdict | undefined;
  /** Its verifier's log, by instruction; empty where there is none. */
  readonly walk: ReadonlyMap<number, Walked>;
}

export interface ReportedAttachment {
  readonly id: string;
  readonly hook: AttachEntry['hook'];
  /** `interface eth0`; '' where the hook needs no more. */
  readonly target: string;
  readonly optional: boolean;
}

export interface ReportedMap {
  /** Its name in the deployment. */
  readonly name: string;
  /** `lru_hash`. */
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  /** As it will be made: the manifest's number, or the object's. */
  readonly maxEntries: number;
  readonly perCpu: boolean;
  /** Of a data section: its variables make up the value. */
  readonly data: boolean;
  readonly key: readonly ByteRun[];
  readonly value: readonly ByteRun[];
  readonly config: MapConfig;
}
