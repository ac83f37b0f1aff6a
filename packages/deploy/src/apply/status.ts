import { type ProjectConfig } from '../manifest';
import { driftText, findDrift } from '../plan';
import {
  isThere,
  layoutOf,
  observe,
  currentLedger,
  type Deployment,
  type Layout,
  type Ledger,
} from '../state';
import { absenceOf } from './absence';
import { contentsDrift } from './contents-drift';
import { deploymentOf } from './deployment';
import { inspect, type Inspection, type ProgramRuns } from './inspect';
import { leftBehind } from './tidy';

export interface Status {
  /**
   * `absent`: nothing is deployed. `drifted`: not all of it is as apply left it. `gone`: the ledger is there, and
   * nothing of what it names runs any more.
   */
  readonly state: 'healthy' | 'drifted' | 'gone' | 'absent';
  /** Why what the manifest asks for is not there, when it is `absent`; undefined if it asks for nothing. */
  readonly absence: string | undefined;
  readonly drift: readonly string[];
  /** Programs of others that came behind ours at the same hooks since it was committed. */
  readonly foreign: readonly string[];
  /** What could not be looked at, and why. */
  readonly unseen: readonly string[];
  readonly runs: readonly ProgramRuns[];
  readonly committed: string | undefined;
  /** The generation that a rollback left for this one; undefined if none did. */
  readonly rolledBackFrom: number | undefined;
  readonly deployment: Deployment | undefined;
}

/**
 * What of a deployment is in the kernel, from its pins alone. Changes nothing and takes no lock.
 *
 * @throws BpfError STATE_INVALID, PRIVILEGE_MISSING
 *
 * @example
 * ```ts
 * const { state, drift } = status(config);
 * if (state === 'drifted') console.log(drift.join('\n'));
 * ```
 */
export function status(config: ProjectConfig): Status {
  const layout = layoutOf(config.pin.root, config.project, config.environment);
  const ledger = isThere(layout.base) ? currentLedger(layout) : undefined;
  if (ledger === undefined) {
    return {
      state: 'absent',
      absence: absenceOf(config),
      drift: [],
      foreign: [],
      unseen: [],
      runs: [],
      committed: undefined,
      rolledBackFrom: undefined,
      deployment: undefined,
    };
  }
  const { drift, foreign, unseen, runs } = inspectAll(layout, ledger);
  const entries = contentsDrift(config, ledger);
  const left = leftBehind(layout, ledger).map(
    (place) => `${place}: left by an apply that was killed; the next one removes it`,
  );
  const texts = [...[...drift, ...entries.drift].map(driftText), ...left];
  return {
    // Where all is as it was left, nothing is gone: the pins need not be opened once more to know it.
    state: texts.length === 0 ? 'healthy' : isGone(layout, ledger) ? 'gone' : 'drifted',
    absence: undefined,
    drift: texts,
    foreign,
    unseen: [...unseen, ...entries.unseen],
    runs,
    committed: ledger.committed,
    rolledBackFrom: ledger.rolledBackFrom ?? undefined,
    deployment: deploymentOf(layout, ledger),
  };
}

/** All that is not as it was committed: what is missing or was replaced, then what differs inside. */
export function inspectAll(layout: Layout, ledger: Ledger): Inspection {
  const missing = findDrift(ledger, observe(layout, ledger));
  const inside = inspect(layout, ledger);
  return { ...inside, drift: [...missing, ...inside.drift] };
}

function isGone(layout: Layout, ledger: Ledger): boolean {
  const { programs, maps, links } = observe(layout, ledger);
  const attached = [...links.values()].filter(({ gone }) => gone === undefined);
  const named = ledger.programs.length + ledger.maps.length + ledger.links.length;
  return named > 0 && programs.size + maps.size + attached.length === 0;
}
