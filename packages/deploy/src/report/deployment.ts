import pc from 'picocolors';
import { type Deployment } from '../state';
import { table } from './table';

/** How often a program ran, and for how long. */
interface Runs {
  readonly name: string;
  readonly runs: number;
  readonly nanoseconds: number;
}

/**
 * A deployment as tables. `base` is cut from the pins, since all of them share it.
 *
 * @param runs how often its programs ran; shown if any did, since the kernel does not always count
 */
export function renderDeployment(deployment: Deployment, base: string, runs: readonly Runs[] = []): string[] {
  const short = (pin: string | null): string =>
    pin === null ? '-' : pin.startsWith(`${base}/`) ? pin.slice(base.length + 1) : pin;
  const counted = runs.some((each) => each.runs > 0);
  const runsOf = (program: { readonly name: string }): Runs | undefined =>
    runs.find(({ name }) => name === program.name);
  const runColumns = [
    { title: 'runs', of: (p: { readonly name: string }) => runsOf(p)?.runs ?? 0 },
    { title: 'ns', of: (p: { readonly name: string }) => runsOf(p)?.nanoseconds ?? 0 },
  ];
  const lines: string[] = [];
  const section = (title: string, rows: string[]): void => {
    if (lines.length > 0) lines.push('');
    lines.push(pc.bold(title), ...rows.map((row) => `  ${row}`));
  };
  if (deployment.programs.length > 0) {
    section(
      'Programs',
      table(deployment.programs, [
        { title: 'name', of: (p) => p.name },
        { title: 'type', of: (p) => p.type },
        { title: 'id', of: (p) => p.id },
        { title: 'tag', of: (p) => p.tag },
        { title: 'insns', of: (p) => p.insns },
        { title: 'verified', of: (p) => p.verified ?? '-' },
        ...(counted ? runColumns : []),
        { title: 'pin', of: (p) => short(p.pin) },
      ]),
    );
  }
  if (deployment.maps.length > 0) {
    section(
      'Maps',
      table(deployment.maps, [
        { title: 'name', of: (m) => m.name },
        { title: 'type', of: (m) => m.type },
        { title: 'id', of: (m) => m.id },
        { title: 'key', of: (m) => m.keySize },
        { title: 'value', of: (m) => m.valueSize },
        { title: 'entries', of: (m) => m.maxEntries },
        { title: 'pin', of: (m) => short(m.pin) },
      ]),
    );
  }
  if (deployment.links.length > 0) {
    section(
      'Links',
      table(deployment.links, [
        { title: 'id', of: (l) => l.id },
        { title: 'program', of: (l) => l.program },
        { title: 'hook', of: (l) => l.target },
        { title: 'pin', of: (l) => short(l.pin) },
      ]),
    );
  }
  return lines;
}
