import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { Btf, BtfKind } from '../btf';
import { BpfError } from '../errors';
import { btfBytes, programInfo, runningKernel, withObject } from '../kernel';
import { AttachType, parseObject, ProgramType } from '../object';
import { relocateObject } from '../relocate';
import { loadObject, type LoadOptions } from './index';
import { attachWords } from './program-target';

const head = '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nchar LICENSE[] SEC("license") = "GPL";\n';
const target = `${head}
__attribute__((noinline)) int verdict(struct xdp_md *ctx) { volatile int ret = 2; return ret; }
SEC("xdp") int guard(struct xdp_md *ctx) { return verdict(ctx); }`;

kernelSuite('programs that are for a function of another program', (kernel) => {
  let count = 0;
  function load(source: string, options: LoadOptions = {}) {
    const file = kernel.compile(source, { name: `t${count++}` });
    const spec = parseObject(readFileSync(file), { name: 't' });
    const attachedToPrograms = Object.keys(options.attachTargets ?? {});
    return loadObject(relocateObject(spec, runningKernel(), { attachedToPrograms }), options);
  }

  const replacement = (section: string) => `${head}
    SEC("${section}") int replaced(struct xdp_md *ctx) { return 1; }`;

  function failure(section: string, given?: { function?: string }): BpfError {
    const first = load(target);
    try {
      const { fd } = first.program('guard');
      load(replacement(section), {
        ...(given && { attachTargets: { replaced: { program: fd.number, ...given } } }),
      }).close();
    } catch (error) {
      if (error instanceof BpfError) return error;
      throw error;
    } finally {
      first.close();
    }
    throw new Error('it was loaded');
  }

  test('the id is that of the function in the types of the other program', () => {
    const first = load(target);
    try {
      const { fd } = first.program('guard');
      const btf = Btf.parse(withObject('btf', programInfo(fd.number).btfId, btfBytes)!);
      const spec = relocateObject(
        parseObject(readFileSync(kernel.compile(replacement('freplace/verdict'), { name: 'ext' })), {
          name: 'ext',
        }),
        runningKernel(),
      ).programs[0]!;
      const kind = { type: ProgramType.ext, attachType: 0 };
      const words = { typeId: btf.find('verdict', BtfKind.FUNC), fd: fd.number };
      const noModule = () => expect.unreachable('no module is asked for');
      expect(words.typeId).toBeGreaterThan(0);
      expect(attachWords(spec, kind, { program: fd.number }, noModule)).toEqual(words);
      const guard = { program: fd.number, function: 'guard' };
      expect(attachWords(spec, kind, guard, noModule).typeId).toBe(btf.find('guard', BtfKind.FUNC));
    } finally {
      first.close();
    }
  });

  test('hooks and functions of the kernel and of modules', () => {
    const file = kernel.compile(
      `${head}
      SEC("lsm_cgroup/socket_bind") int hook(void *ctx) { return 1; }
      SEC("fmod_ret.s/__x64_sys_getpgid") int modified(void *ctx) { return 0; }`,
      { name: 'hooks' },
    );
    const btf = runningKernel().btf();
    const [hook, modified] = relocateObject(
      parseObject(readFileSync(file), { name: 'hooks' }),
      runningKernel(),
    ).programs;
    const words = attachWords(hook!, hook as { type: number; attachType: number }, undefined, () => 9);
    expect(words).toEqual({ typeId: btf.find('bpf_lsm_socket_bind', BtfKind.FUNC), fd: undefined });
    expect(hook).toMatchObject({ type: ProgramType.lsm, attachType: AttachType.lsm_cgroup });
    expect(modified).toMatchObject({ attachType: AttachType.modify_return, flags: 1 << 4 });
    const inModule = { ...hook!, attach: { typeId: 7, module: 'nf_conntrack' } };
    expect(attachWords(inModule, { type: 29, attachType: 43 }, undefined, () => 9)).toEqual({
      typeId: 7,
      fd: 9,
    });
  });

  test('what is not there is said before the kernel is asked', () => {
    expect(failure('freplace/verdict').message).toBe(
      "program 'replaced' (freplace/verdict): found no program that it is to replace a function of; hand in the fd of that program: attachTargets: { replaced: { program: fd } }",
    );
    expect(failure('freplace/verdikt', {}).message).toBe(
      "program 'replaced' (freplace/verdikt): found no function 'verdikt' in program 'guard'; did you mean verdict?",
    );
    expect(failure('fentry').message).toBe(
      'program \'replaced\' (fentry): found no function or hook that it is for; name it: SEC("fentry/...")',
    );
    expect(failure('lsm_cgroup').code).toBe('ATTACH_TARGET_NOT_FOUND');
  });
});
