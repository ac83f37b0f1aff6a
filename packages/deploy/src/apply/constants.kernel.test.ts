import fs from 'node:fs';
import path from 'node:path';
import { Program, type BpfError } from '@nx-bpf/loader';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeploymentFixture, type NamedObject } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { RelocationCache } from '../cache';
import { loadProject } from '../manifest';
import { apply, destroy, type ApplyResult } from './index';

/** Returns 100 and more: one for each constant that is as the manifest says. */
const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
enum mode { OFF, WATCH, ENFORCE = 40 };
struct rule { __u16 port; enum mode mode; __be32 peer; };
const volatile __u32 rate = 1;
const volatile __s64 low = 0;
const volatile enum mode mode = OFF;
const volatile char name[8] = "";
const volatile __be32 gateway = 0;
const volatile __u8 resolver[16] = {};
const volatile __u8 mac[6] = {};
const volatile struct rule rules[2] = {};
SEC("xdp") int check(void *ctx) {
  int right = 100;
  right += rate == 7;
  right += low == -9000000000LL;
  right += mode == ENFORCE;
  right += name[0] == 'e' && name[1] == 'd' && name[4] == 0;
  right += gateway == bpf_htonl(0xc0000201);
  right += resolver[0] == 0x20 && resolver[15] == 0x53;
  right += mac[0] == 2 && mac[5] == 0xfe;
  right += rules[1].port == 443 && rules[1].mode == WATCH && rules[1].peer == bpf_htonl(0x0a000001);
  return right;
}
`;

kernelSuite('constants of the manifest', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  beforeEach(() => fixture.reset());
  afterEach(() => fs.rmSync(fixture.root, { recursive: true, force: true }));
  const objects = (): NamedObject[] => [{ name: 'edge', file: kernel.compile(source, { name: 'edge' }) }];
  const manifest = (constants: string): void =>
    fixture.manifest(`version: 1
environments: { dev: {} }
objects:
  edge:
    constants:
${constants.replaceAll(/^/gm, '      ')}
programs: { check: { object: edge } }
`);
  const deploy = (variables: Record<string, string> = {}): Promise<ApplyResult> =>
    apply({
      config: loadProject({ workspaceRoot: fixture.workspace, project: 'p', variables }),
      objects: objects(),
      cache: new RelocationCache(fixture.cacheFolder),
      note: () => undefined,
    });
  const returned = (): number => {
    const program = Program.open(path.join(fixture.layout.current, 'programs', 'check'));
    const { returnValue } = program.testRun({ data: new Uint8Array(64) });
    program.close();
    return returnValue;
  };

  test('numbers, enums, text, addresses, structs and arrays get into the program', async () => {
    manifest(`rate: { env: RATE, default: 7 }
low: -9000000000
mode: ENFORCE
name: edge
gateway: 192.0.2.1
resolver: 2001:db8::53
mac: 02:42:ac:11:00:fe
rules: [{}, { port: 443, mode: WATCH, peer: { env: PEER, default: 10.0.0.1 } }]`);
    await deploy();
    expect(returned()).toBe(108);
    expect((await deploy({ RATE: '7' })).plan.empty).toBe(true);
    // Another value in the environment is another program.
    const { plan } = await deploy({ RATE: '8', PEER: '10.0.0.2' });
    expect(plan.programs[0]).toMatchObject({ action: 'replace', reasons: ['constants'] });
    expect(returned()).toBe(106);
    await destroy(fixture.load(), () => undefined);
  });

  test('what does not fit is an error before anything is loaded, each at its place', async () => {
    manifest(`rate: 4294967296
mode: ENFROCE
name: too long a name
gateway: 192.0.2.256
mac: 02:42
rules:
  - {}
  - { port: 65536 }
rat: 1`);
    const error = (await deploy().catch((reason: unknown) => reason)) as BpfError;
    expect(error.code).toBe('MANIFEST_INVALID');
    expect(error.fields.problems).toEqual([
      "p/bpf.config.yaml:6:13: edge: constant rate does not fit its C type 'const volatile __u32': found 4294967296, expected 0 to 4294967295",
      expect.stringMatching(/^p\/bpf.config.yaml:7:13: edge: constant mode .* did you mean ENFORCE\?$/),
      expect.stringMatching(
        /^p\/bpf.config.yaml:8:13: edge: constant name .* expected text of up to 8 bytes/,
      ),
      expect.stringMatching(/^p\/bpf.config.yaml:9:16: edge: constant gateway .* found '192.0.2.256'/),
      expect.stringMatching(
        /^p\/bpf.config.yaml:10:12: edge: constant mac .* expected a MAC address or a list/,
      ),
      expect.stringMatching(
        /^p\/bpf.config.yaml:13:19: edge: constant rules\[1\].port .* expected 0 to 65535$/,
      ),
      expect.stringMatching(/^p\/bpf.config.yaml:14:12: edge: no global variable 'rat'; did you mean rate/),
    ]);
    expect(fixture.pins()).toEqual([]);
  });
});
