import { type Readable } from 'node:stream';
import { type BpfError } from '@nx-bpf/loader';
import { checkSignature, openBundle, type OpenBundle } from '../../bundle';
import {
  checkPolicy,
  readPolicy,
  readRequest,
  requireSignature,
  rulesFor,
  type HelperLine,
  type HelperRequest,
} from '../../privileges';

/** How the helper was called. */
export interface HelperCaller {
  /** Number of the user who asks. */
  readonly user: number;
  readonly input: Readable;
  readonly say: (line: HelperLine) => void;
  /** Directory that a bundle is unpacked below. */
  readonly scratch: string;
}

/** Loaded once it is known whether there are colours: that is asked only when it is loaded. */
const report = () => require('../../report') as typeof import('../../report');

/** What the bundle is called in messages. */
const name = 'the bundle';

/**
 * Reads a request, holds it against the configuration, and carries it out. Errors are part of the answer.
 */
export async function answer(caller: HelperCaller): Promise<{ exitStatus: number; result: unknown }> {
  let bundle: OpenBundle | undefined;
  try {
    const rules = rulesFor(readPolicy(), caller.user);
    const request = await readRequest(caller.input);
    // The signature comes first: what is in a bundle is not looked at before.
    const keys = rules.flatMap(({ signedBy }) => signedBy);
    const { signature } = request;
    const signer =
      signature === undefined || keys.length === 0
        ? undefined
        : checkSignature(name, request.bundle, signature, keys).id;
    requireSignature(rules, signer);
    bundle = await openBundle(name, request.bundle, caller.scratch);
    checkPolicy(rules, bundle.config, signer);
    return await carryOut(caller, request, bundle);
  } catch (error) {
    const { errorJson, errorStatus, renderError } = report();
    const text = `${renderError(error as BpfError).join('\n')}\n`;
    caller.say({ stream: 'stderr', text });
    return { exitStatus: errorStatus(error), result: { notes: [], error: errorJson(error) } };
  } finally {
    bundle?.close();
  }
}

async function carryOut(
  { input, say }: HelperCaller,
  { command, options, plan, colours }: HelperRequest,
  bundle: OpenBundle,
): Promise<{ exitStatus: number; result: unknown }> {
  // Said before picocolors is loaded, which looks once.
  process.env[colours ? 'FORCE_COLOR' : 'NO_COLOR'] = '1';
  const { runIn } = require('../run') as typeof import('../run');
  // Nobody waits any more: what can be undone is, as if it had been interrupted; the rest is soon over.
  const gone = (): void => {
    if (process.listenerCount('SIGTERM') > 0) process.kill(process.pid, 'SIGTERM');
  };
  input.on('end', gone).resume();
  try {
    const { project, environment } = bundle.config;
    return await runIn(
      command,
      {
        workspaceRoot: '',
        project,
        environment,
        ...options,
        plan: plan === undefined ? undefined : 'the plan',
      },
      {
        write: (stream, text) => say({ stream, text }),
        readPlan: () => plan ?? '',
        savePlan: (_file, text) => say({ save: text }),
      },
      bundle,
    );
  } finally {
    input.off('end', gone);
  }
}
