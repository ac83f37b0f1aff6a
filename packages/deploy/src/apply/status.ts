import { type ProjectConfig } from '../manifest';
import { driftText, findDrift } from '../plan';
import { isThere, layoutOf, observe, readLedger, type Deployment } from '../state';
import { deploymentOf } from './deployment';
import { leftBehind } from './tidy';

export interface Status {
  /** `absent`: nothing is deployed. `drifted`: not all of it is as apply left it. */
  readonly state: 'healthy' | 'drifted' | 'absent';
  readonly drift: readonly string[];
  readonly committed: string | undefined;
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
  const ledger = isThere(layout.base) ? readLedger(layout.ledger) : undefined;
  if (ledger === undefined)
    return { state: 'absent', drift: [], committed: undefined, deployment: undefined };
  const drift = [
    ...findDrift(ledger, observe(layout, ledger)).map(driftText),
    ...leftBehind(layout, ledger).map(
      (place) => `${place}: left by an apply that was killed; the next one removes it`,
    ),
  ];
  return {
    state: drift.length === 0 ? 'healthy' : 'drifted',
    drift,
    committed: ledger.committed,
    deployment: deploymentOf(layout, ledger),
  };
}
