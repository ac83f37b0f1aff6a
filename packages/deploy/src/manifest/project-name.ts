import fs from 'node:fs';
import path from 'node:path';

/**
 * The name of a project that its manifest does not give: that of project.json, of package.json (without its scope),
 * else of the directory.
 *
 * @param directory absolute
 */
export function projectName(directory: string): string {
  const given =
    text(readJson(path.join(directory, 'project.json'))['name']) ??
    packageName(path.join(directory, 'package.json'));
  return given?.slice(given.lastIndexOf('/') + 1) ?? path.basename(directory);
}

function packageName(file: string): string | undefined {
  const content = readJson(file);
  const nx = content['nx'];
  return (
    (typeof nx === 'object' && nx !== null ? text((nx as Record<string, unknown>)['name']) : undefined) ??
    text(content['name'])
  );
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A JSON object; what is missing or broken says nothing about a name, and whoever owns the file will complain. */
function readJson(file: string): Record<string, unknown> {
  try {
    const content: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    return typeof content === 'object' && content !== null ? (content as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
