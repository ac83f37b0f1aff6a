/**
 * `npm run watch`: what the deployed agent sees, live: a line for each program that is started, and for each packet
 * that the guard drops. The types of maps and events are written from the C by `nx-bpf types agent`, so the compiler
 * knows what `exec_event` and `packet_sample` have.
 */
import { BpfError, networkInterfaces } from '@nx-bpf/loader';
import { Agent, type ExecEvent, type PacketSample } from './bpf-types';

/** `enum verdict` of edge.bpf.c. */
const blocked = 1;

/**
 * Prints until the signal is aborted.
 *
 * @param directory of the deployment's pins
 */
export async function watch(
  directory: string | undefined,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  using agent = Agent.open(directory);
  const rate = agent.variables.sample_rate.get();
  print(
    `watching; one packet in ${rate} is looked at, ${[...agent.maps.blocklist.keys()].length} networks are blocked`,
  );

  using execs = agent.ringBuffer('events', 'exec_event', { signal });
  using samples = agent.ringBuffer('samples', 'packet_sample', { signal });
  const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  execs.onRecord((event) => print(execLine(event)));
  samples.onRecord((sample) => {
    if (sample.verdict === blocked) print(dropLine(sample));
  });
  await ended;

  const lost = agent.maps.agent_stats.lookup(1)?.reduce((sum, cpu) => sum + Number(cpu.lost), 0) ?? 0;
  print(`${lost} exec events found no room so far`);
}

function execLine({ pid, parent_pid, uid, command, file }: ExecEvent): string {
  return `exec  ${file}  (${command}, pid ${pid} of ${parent_pid}, uid ${uid})`;
}

function dropLine({ interface: index, length, ethertype }: PacketSample): string {
  const name = networkInterfaces().find((device) => device.index === index)?.name ?? `interface ${index}`;
  return `drop  ${length} bytes on ${name}, ethertype 0x${ethertype.toString(16).padStart(4, '0')}`;
}

if (require.main === module) {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
  watch(process.argv[2], (line) => console.log(line), controller.signal).catch((error: unknown) => {
    if (!(error instanceof BpfError)) throw error;
    console.error(
      error.code === 'PIN_NOT_FOUND' ? "The agent is not loaded: 'npm start' does that." : error.message,
    );
    process.exitCode = 1;
  });
}
