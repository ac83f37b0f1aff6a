import { BpfError } from '../../packages/loader/src/errors';

/** An error as a process can tell another. */
export interface Thrown {
  /** A BpfError. */
  readonly ours: boolean;
  readonly code: string;
  readonly errno: string | undefined;
  /** With that of its causes. */
  readonly text: string;
  /** It says that the new generation is there all the same. */
  readonly committed: boolean;
}

export function thrownBy(error: unknown): Thrown {
  const texts: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause)
    texts.push(at instanceof BpfError ? `${at.code} ${at.message}` : `${at.name} ${at.message}`);
  const text = texts.join(' <- ');
  if (!(error instanceof BpfError))
    return { ours: false, code: '', errno: undefined, text, committed: false };
  const { code, message, fields } = error;
  const committed = / is deployed, but /.test(message);
  return { ours: true, code, errno: fields.errno, text, committed };
}
