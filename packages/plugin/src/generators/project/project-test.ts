import { type TemplateName } from '../templates';

/** What programs answer that the kernel can run on a packet that it is given. */
const verdicts: Partial<Record<TemplateName, { readonly value: number; readonly meaning: string }>> = {
  xdp: { value: 2, meaning: 'XDP_PASS' },
  tc: { value: -1, meaning: 'TCX_NEXT: what is behind it decides' },
  cgroup: { value: 1, meaning: 'it may be sent' },
};

/**
 * The test of a generated project, for Node's own test runner: its program passes the verifier of the running kernel,
 * and does something with a packet where it can be given one.
 */
export function projectTest(object: string, program: string, template: TemplateName): string {
  const verdict = verdicts[template];
  return `import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { loadFile } from '@nx-bpf/loader';

const object = path.join(import.meta.dirname, '../dist/bpf/dev/${object}.bpf.o');
// Programs are loaded by root; nothing is attached.
const skip = process.getuid() === 0 ? false : 'loading BPF programs needs root';

test('the verifier accepts ${program}', { skip }, () => {
  const collection = loadFile(object);
  try {
    const program = collection.program('${program}');
    assert.ok(program.info().verifiedInsns > 0);
${
  verdict === undefined
    ? ''
    : `
    // An Ethernet header of IPv4, and the rest zero: the program lets it pass.
    const packet = new Uint8Array(64);
    packet[12] = 0x08;
    packet[14] = 0x45;
    assert.equal(program.testRun({ data: packet }).returnValue | 0, ${verdict.value}); // ${verdict.meaning}
`
}  } finally {
    collection.close();
  }
});
`;
}
