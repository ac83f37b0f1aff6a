import { type ListedProject } from '@nx-bpf/deploy/projects';
import { type TargetConfiguration } from '@nx/devkit';
import { buildTarget } from './build';
import { loadTarget } from './load';
import { planTarget } from './plan';
import { statusTarget } from './status';
import { unloadTarget } from './unload';

/** Every target that a project gets from its manifest. */
export function targets(project: ListedProject, workspaceRoot: string): Record<string, TargetConfiguration> {
  return {
    'bpf-build': buildTarget(project, workspaceRoot),
    'bpf-load': loadTarget(project),
    'bpf-plan': planTarget(project),
    'bpf-status': statusTarget(project),
    'bpf-unload': unloadTarget(project),
  };
}
