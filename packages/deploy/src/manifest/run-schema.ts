import type { z as Zod } from 'zod';
import { headers } from './headers';

type Z = typeof Zod;

/** What the schema of the manifest is made of. */
interface Makers {
  readonly map: <S extends Zod.core.$ZodLooseShape>(shape: S) => Zod.ZodObject<S, Zod.core.$strict>;
  readonly named: <K extends Zod.core.$ZodRecordKey, V extends Zod.core.$ZodType>(
    key: K,
    value: V,
  ) => Zod.ZodRecord<K, V>;
  readonly text: (expected: string) => Zod.ZodString;
  readonly file: (what: string) => Zod.ZodString;
  readonly name: Zod.ZodString;
  readonly identifier: Zod.ZodString;
  readonly mapName: Zod.ZodString;
  readonly atLeast: (least: number, most?: number) => Zod.ZodInt;
}

const hexError = 'pairs of hex digits, blanks between them where one likes';

/** One entry of `run`: a program, what it is run on, and what is expected of it. */
export function runSchema(z: Z, { map, named, text, file, name, identifier, mapName, atLeast }: Makers) {
  const hex = z.string({ error: hexError }).regex(/^(\s*[0-9a-fA-F]{2})*\s*$/, { error: hexError });
  const number = (most: number) => atLeast(0, most);
  const words = z.array(text('the name of a flag'), { error: 'a list of flags such as [syn, ack]' });
  const macError = 'a MAC address such as 02:00:00:00:00:01';
  const forms = {
    mac: z
      .string({ error: macError })
      .regex(/^[0-9a-fA-F]{2}([:-])[0-9a-fA-F]{2}(\1[0-9a-fA-F]{2}){4}$/, { error: macError }),
    ipv4: z.ipv4({ error: 'an IPv4 address' }),
    ipv6: z.ipv6({ error: 'an IPv6 address' }),
    flags: words,
  };
  const header = (of: keyof typeof headers) =>
    map(
      Object.fromEntries(
        Object.entries(headers[of].fields).map(([key, { about, form }]) => [
          key,
          (typeof form === 'number' ? number(form) : forms[form as keyof typeof forms])
            .nullish()
            .describe(about),
        ]),
      ),
    )
      .nullish()
      .describe(headers[of].about);
  const packetError = 'hex digits, { file: ... }, or headers such as { ipv4: { source: 192.0.2.1 } }';
  const packet = z.union(
    [
      hex,
      map({
        file: file('a file with the bytes of a packet').nullish().describe('A file with its bytes.'),
        eth: header('eth'),
        vlan: header('vlan'),
        ipv4: header('ipv4'),
        ipv6: header('ipv6'),
        tcp: header('tcp'),
        udp: header('udp'),
        payload: z
          .union([hex, number(65_000)], { error: 'hex digits, or how many zeros' })
          .nullish()
          .describe('What follows the headers: hex digits, or how many zeros.'),
      }),
    ],
    { error: packetError },
  );
  const entries = z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())], {
    error: 'a map of keys and values, or a list of entries',
  });
  const returnError = 'a number, or a name such as XDP_DROP';
  return map({
    name: name.nullish().describe('By which environments change it; default check-<number>.'),
    program: name.nullish().describe('A program of the manifest.'),
    input: map({
      packet: packet.nullish().describe('From its Ethernet header on: hex digits, a file, or headers.'),
      context: z
        .union([z.record(z.string(), z.unknown()), z.array(z.unknown())], {
          error: 'fields of the context, or a list of the arguments of a tracepoint',
        })
        .nullish()
        .describe(
          'Fields of xdp_md, __sk_buff, ..., by their types; a list of arguments for a raw tracepoint.',
        ),
    })
      .nullish()
      .describe('What it is run on; without a packet, an empty frame of 64 bytes.'),
    repeat: atLeast(1, 1_000_000).nullish().describe('How often it is run; default 1.'),
    maps: named(mapName, entries.nullish())
      .nullish()
      .describe('Entries that maps have beforehand, beside their `contents`.'),
    expect: map({
      return: z
        .union(
          [
            z
              .int({ error: returnError })
              .min(-0x80000000, { error: returnError })
              .max(0xffffffff, { error: returnError }),
            identifier,
          ],
          { error: returnError },
        )
        .nullish()
        .describe('What it returns: a number, or a name such as XDP_DROP or TC_ACT_SHOT.'),
      output: packet.nullish().describe('The packet as it leaves it.'),
      maps: named(mapName, entries.nullish())
        .nullish()
        .describe('Entries that maps have afterwards; fields that are not mentioned may be anything.'),
      variables: named(identifier, z.unknown())
        .nullish()
        .describe('Values that global variables have afterwards.'),
    })
      .nullish()
      .describe('What is expected; at least one of it.'),
  });
}
