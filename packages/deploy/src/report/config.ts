import path from 'node:path';
import pc from 'picocolors';
import { stringify } from 'yaml';
import { placeText, type Origin, type ProjectConfig } from '../manifest';

/** A configuration as JSON: values merged and resolved, and where each was written. */
export function describeConfig(config: ProjectConfig): Record<string, unknown> {
  const { origins, workspaceRoot, projectRoot, files, ...rest } = config;
  return {
    ...rest,
    projectRoot: path.relative(workspaceRoot, projectRoot),
    files: files.map((file) => path.relative(workspaceRoot, path.resolve(workspaceRoot, file))),
    origins: Object.fromEntries(
      Object.entries(origins)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, origin]) => [
          key,
          {
            layer: origin.layer,
            place: placeText(origin),
            ...(origin.variable !== undefined && { variable: origin.variable }),
          },
        ]),
    ),
  };
}

/** The merged manifest as YAML, and behind it the origin of every value that somebody wrote. */
export function renderConfig(config: ProjectConfig): string[] {
  const { project, environment, toolchain, pin, deploy, privileges, kernels, objects, maps, programs } =
    config;
  const merged = {
    project,
    environment,
    toolchain,
    pin,
    deploy,
    privileges,
    kernels,
    objects,
    maps,
    programs,
  };
  const relative = (_: unknown, value: unknown): unknown =>
    typeof value === 'string' && value.startsWith(`${config.workspaceRoot}/`)
      ? path.relative(config.workspaceRoot, value)
      : value;
  const written = Object.entries(config.origins)
    .filter(([, origin]) => origin.layer !== 'default')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const width = Math.max(0, ...written.map(([key]) => key.length));
  return [
    ...stringify(merged, relative).trimEnd().split('\n'),
    '',
    pc.bold('Where it comes from'),
    ...written.map(
      ([key, origin]) => `  ${key.padEnd(width)}  ${placeText(origin)}${pc.dim(` (${sourceText(origin)})`)}`,
    ),
  ];
}

function sourceText({ layer, variable }: Origin): string {
  return variable === undefined ? layer : `${layer}, environment variable ${variable}`;
}
