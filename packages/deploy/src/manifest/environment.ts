import { BpfError } from '@nx-bpf/loader/errors';
import { type ListedProject } from './discover';
import { suggestion } from './suggestion';

/**
 * The environment that a command means: the one it names, else the manifest's default.
 *
 * @throws BpfError ENVIRONMENT_UNKNOWN, which lists the environments
 */
export function selectEnvironment(project: ListedProject, name: string | undefined): string {
  const { environments, defaultEnvironment } = project;
  const chosen = name ?? defaultEnvironment;
  const known = `there are ${environments.join(', ')}`;
  if (chosen === undefined) {
    throw new BpfError('ENVIRONMENT_UNKNOWN', `project '${project.name}': no environment is named`, {
      hint: `${known}: name one, or set defaultEnvironment in the manifest`,
    });
  }
  if (!environments.includes(chosen)) {
    const meant = suggestion(chosen, environments);
    const said = name === undefined ? `defaultEnvironment '${chosen}'` : `'${chosen}'`;
    throw new BpfError('ENVIRONMENT_UNKNOWN', `project '${project.name}' has no environment ${said}`, {
      symbol: chosen,
      hint: meant.startsWith('known') ? known : `${meant} ${known}`,
    });
  }
  return chosen;
}
