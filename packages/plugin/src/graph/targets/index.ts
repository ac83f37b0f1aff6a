import { type ListedProject } from '@nx-bpf/deploy/projects';
import { type TargetConfiguration } from '@nx/devkit';
import { targetNames, type TargetName } from '../target-names';
import { buildTarget } from './build';
import { bundleTarget } from './bundle';
import { loadTarget } from './load';
import { planTarget } from './plan';
import { reportTarget } from './report';
import { rollbackTarget } from './rollback';
import { statusTarget } from './status';
import { typesTarget } from './types';
import { unloadTarget } from './unload';
import { verifyTarget } from './verify';

const inferred: {
  readonly [N in TargetName]: (project: ListedProject, workspaceRoot: string) => TargetConfiguration;
} = {
  'bpf-build': buildTarget,
  'bpf-bundle': bundleTarget,
  'bpf-load': loadTarget,
  'bpf-plan': planTarget,
  'bpf-report': reportTarget,
  'bpf-rollback': rollbackTarget,
  'bpf-status': statusTarget,
  'bpf-types': typesTarget,
  'bpf-unload': unloadTarget,
  'bpf-verify': verifyTarget,
};

/** Every target that a project gets from its manifest, under the names of this workspace. */
export function targets(
  project: ListedProject,
  workspaceRoot: string,
  names: ReadonlyMap<TargetName, string>,
): Record<string, TargetConfiguration> {
  return Object.fromEntries(
    targetNames.map((name) => [names.get(name)!, renamed(inferred[name](project, workspaceRoot), names)]),
  );
}

/** A target with the names of others, where it depends on them or its help tells of them, as this workspace has them. */
function renamed(target: TargetConfiguration, names: ReadonlyMap<TargetName, string>): TargetConfiguration {
  const current = (name: string): string => names.get(name as TargetName) ?? name;
  const { dependsOn, metadata } = target;
  const help = metadata?.help;
  return {
    ...target,
    ...(dependsOn !== undefined && {
      dependsOn: dependsOn.map((each) => (typeof each === 'string' ? current(each) : each)),
    }),
    ...(help !== undefined && {
      metadata: {
        ...metadata,
        help: { ...help, command: help.command.replace(/(?<=:)bpf-[a-z]+/, (name) => current(name)) },
      },
    }),
  };
}
