/**
 * A workflow command that puts a text beside a line in a pull request. Source: "Workflow commands" of GitHub Actions'
 * documentation.
 *
 * @param place.file relative to the workspace; without one the text belongs to the run
 */
export function annotation(
  kind: 'error' | 'warning',
  place: { readonly file?: string | null | undefined; readonly line?: number | null | undefined },
  text: string,
): string {
  const { file, line } = place;
  if (file === undefined || file === null) return `::${kind}::${data(text)}`;
  const at = line === undefined || line === null ? '' : `,line=${line}`;
  return `::${kind} file=${property(file.replace(/^\.\//, ''))}${at}::${data(text)}`;
}

/** Whether these commands are read: GitHub Actions says so. */
export function inActions(): boolean {
  return process.env['GITHUB_ACTIONS'] === 'true';
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
