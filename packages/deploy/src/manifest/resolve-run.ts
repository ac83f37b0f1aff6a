import { type PacketConfig, type RunConfig } from './config';
import { type Path } from './located';
import { tcpFlags, type WrittenHeaders } from './headers';
import { type Named, type Resolver, type Settled } from './resolve';
import { type Manifest } from './schema';
import { suggestion } from './suggestion';

type WrittenList = Settled<NonNullable<Manifest['run']>>;
/** As merged: a map by name. */
export type WrittenRuns = Named<Settled<WrittenList[number]>> | readonly never[];
type WrittenPacket = NonNullable<NonNullable<WrittenList[number]['input']>['packet']>;

/** The checks of a project, sorted by name: each of a program that there is, and each expecting something. */
export function resolveRuns(written: WrittenRuns, programs: Named<unknown>, resolver: Resolver): RunConfig[] {
  // A list is only left where it is empty.
  const checks = Array.isArray(written) ? {} : (written as Exclude<WrittenRuns, readonly never[]>);
  return Object.keys(checks)
    .sort()
    .map((name) => {
      const { program, input, repeat = 1, maps, expect } = checks[name]!;
      const at = ['run', name];
      if (program === undefined || !Object.hasOwn(programs, program)) {
        const known = Object.keys(programs);
        resolver.problem(
          program === undefined ? at : [...at, 'program'],
          program === undefined
            ? `program is missing: one of ${known.sort().join(', ') || 'none, there is none'}`
            : `no program is named '${program}'; ${suggestion(program, known)}`,
        );
      }
      const expected = {
        return: expect?.return,
        output: resolvePacket(expect?.output, [...at, 'expect', 'output'], resolver),
        maps: (expect?.maps ?? {}) as Named<unknown>,
        variables: expect?.variables ?? {},
      };
      const { maps: mapped, variables, ...others } = expected;
      if (
        [...Object.values(others), ...Object.keys(mapped), ...Object.keys(variables)].every(
          (each) => each === undefined,
        )
      )
        resolver.problem(at, 'it expects nothing: expect needs return, output, maps or variables');
      return {
        name,
        program: program ?? '',
        packet: resolvePacket(input?.packet, [...at, 'input', 'packet'], resolver),
        context: input?.context as RunConfig['context'],
        repeat,
        maps: (maps ?? {}) as Named<unknown>,
        expect: expected,
      };
    });
}

function resolvePacket(
  written: WrittenPacket | undefined,
  at: Path,
  resolver: Resolver,
): PacketConfig | undefined {
  if (written === undefined) return undefined;
  if (typeof written === 'string') return { hex: written.replaceAll(/\s/g, '').toLowerCase() };
  const { file, ...rest } = written as { readonly file?: string } & WrittenHeaders;
  const given = Object.keys(rest).filter((key) => rest[key as keyof WrittenHeaders] !== undefined);
  if (file === undefined) {
    checkHeaders(rest, at, resolver);
    return { headers: rest };
  }
  if (given.length > 0)
    resolver.problem(at, `found file and ${given.join(', ')}, expected a file or headers`);
  return { file: resolver.file([...at, 'file'], file) };
}

/** One of each layer, and what stands above another needs it. */
function checkHeaders({ ipv4, ipv6, tcp, udp }: WrittenHeaders, at: Path, resolver: Resolver): void {
  if (ipv4 !== undefined && ipv6 !== undefined)
    resolver.problem(at, 'found ipv4 and ipv6, expected one of them');
  if (tcp !== undefined && udp !== undefined) resolver.problem(at, 'found tcp and udp, expected one of them');
  const above = tcp === undefined ? (udp === undefined ? undefined : 'udp') : 'tcp';
  if (above !== undefined && ipv4 === undefined && ipv6 === undefined)
    resolver.problem([...at, above], 'it needs ipv4 or ipv6 beside it');
  const flags = (tcp?.['flags'] ?? []) as readonly string[];
  for (const flag of flags) {
    if (!(tcpFlags as readonly string[]).includes(flag))
      resolver.problem([...at, 'tcp', 'flags'], `found '${flag}', expected of ${tcpFlags.join(', ')}`);
  }
}
