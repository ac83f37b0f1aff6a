import fs from 'node:fs';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import { inActions, sarifLog, workflowCommand, type Annotation } from '../report';
import { type Request } from './request';

/**
 * Tells machines what is wrong where: GitHub Actions, if it runs this, and the SARIF file that was asked for.
 *
 * @param write takes what people read: Actions reads commands from either stream
 * @throws BpfError FILE where the file cannot be written
 */
export function annotate(
  annotations: readonly Annotation[],
  { sarif }: Pick<Request, 'sarif'>,
  write: (text: string) => void,
): void {
  if (inActions() && annotations.length > 0) write(`${annotations.map(workflowCommand).join('\n')}\n`);
  if (sarif === undefined) return;
  const file = path.resolve(sarif);
  const { version } = require('../../package.json') as { version: string };
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, `${JSON.stringify(sarifLog(annotations, version), null, 2)}\n`);
  } catch (cause) {
    throw new BpfError(
      'FILE',
      `${sarif} cannot be written: ${(cause as Error).message}`,
      { path: sarif },
      cause,
    );
  }
}
