import pc from 'picocolors';
import { makeBundle } from '../../bundle';
import { callHelper, type HelperCommand } from '../../privileges';
import { build } from '../objects';
import { type CommandInput } from '../request';
import { type CheckedBundle } from '../signed-bundle';

/** How the helper's command ended; its result is that of the command itself. */
export interface HelperOutcome {
  readonly success: boolean;
  readonly exitStatus: number;
  readonly result: Readonly<Record<string, unknown>> & { readonly notes: readonly string[] };
}

/**
 * Lets the helper run a command: what is compiled is compiled here, by this user, and goes to the helper as a bundle
 * that exists in memory alone.
 *
 * @param checked the bundle, where it is not made from the workspace
 */
export async function askHelper(
  command: HelperCommand,
  input: CommandInput,
  checked: CheckedBundle | undefined,
): Promise<HelperOutcome> {
  const { config, request, verbose, surroundings } = input;
  const { write, readPlan, savePlan } = surroundings;
  const { verify, detailedExitcode, repair, force, to, out, json = false } = request;
  const compiles = command === 'plan' || command === 'apply';
  const objects = checked === undefined && compiles ? await build(input) : [];
  const bundle = checked?.bytes ?? (await makeBundle(config, objects));
  const { exitStatus, result } = await callHelper(config.privileges, {
    request: {
      command,
      options: { verify, detailedExitcode, repair, force, to, out, verbose },
      plan: request.plan === undefined ? undefined : readPlan(request.plan),
      signature: checked?.signature,
      colours: pc.isColorSupported,
      bundle,
    },
    write: (stream, text) => write(json ? 'stderr' : stream, text),
    save: (plan) => {
      if (out !== undefined) savePlan(out, plan);
    },
  });
  const said = result as HelperOutcome['result'];
  const saved = 'saved' in said ? { saved: out ?? null } : {};
  return { success: exitStatus === 0, exitStatus, result: { command, ...said, ...saved } };
}
