import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import {
  btfBytes,
  btfInfo,
  closeFd,
  fileSystemMagic,
  fileSystemType,
  linkInfo,
  mapCreate,
  mapInfo,
  mapMemory,
  openPath,
  programBindMap,
  programCode,
  programInfo,
  programLoad,
  rawTracepointOpen,
  tryLock,
  withObject,
} from './index';
import { kernelSuite } from '../../../../tools/testing/kernel';

kernelSuite('info of objects, memory and locks', () => {
  const pass = Buffer.from('b7000000000000009500000000000000', 'hex');

  test('info of a program: name, tag, bound maps and translated instructions', () => {
    const map = mapCreate({ map_type: 2, key_size: 4, value_size: 8, max_entries: 1, map_name: 'nxb_bound' });
    const { result: program } = programLoad({
      prog_type: 17,
      insns: pass,
      insn_cnt: 2,
      license: 'GPL',
      prog_name: 'nxb_info',
    });
    programBindMap(program, map);
    const info = programInfo(program);
    expect(info).toMatchObject({
      name: 'nxb_info',
      type: 17,
      verifiedInsns: 2,
      gplCompatible: true,
      xlatedSize: 16,
    });
    expect(info.tag).toMatch(/^[0-9a-f]{16}$/);
    expect(info.mapIds).toEqual([mapInfo(map).id]);
    expect(Buffer.from(programCode(program).instructions)).toEqual(pass);
    expect(withObject('program', info.id, (fd) => programInfo(fd).id)).toBe(info.id);

    const link = rawTracepointOpen(program, 'sched_process_exec');
    expect(linkInfo(link)).toMatchObject({
      typeName: 'raw_tracepoint',
      programId: info.id,
      target: { kind: 'raw_tracepoint', text: 'sched_process_exec' },
    });
    for (const fd of [link, program, map]) closeFd(fd);
  });

  test('info of the BTF object of the kernel', () => {
    const found = withObject('btf', 1, (fd) => ({ info: btfInfo(fd), bytes: btfBytes(fd) }));
    expect(found?.info).toMatchObject({ id: 1, name: 'vmlinux', kernel: true });
    expect(found?.bytes.byteLength).toBe(found?.info.size);
    expect(found?.bytes[0]).toBe(0x9f);
  });

  test('memory of an array map is shared with the kernel', () => {
    const map = mapCreate({ map_type: 2, key_size: 4, value_size: 4096, max_entries: 1, map_flags: 1 << 10 });
    const memory = mapMemory(map, 4096, { writable: true });
    memory.bytes[5] = 7;
    const second = mapMemory(map, 4096);
    expect(second.bytes[5]).toBe(7);
    memory.unmap();
    second.unmap();
    expect(() => memory.bytes).toThrow('after unmap');
    expect(() => mapMemory(map, 4096 * 16)).toThrow('EINVAL');
    closeFd(map);
  });

  test('a directory is locked by one holder at a time', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'nxb-'));
    const first = openPath(directory);
    const second = openPath(directory);
    expect(tryLock(first, 'exclusive')).toBe(true);
    expect(tryLock(second, 'exclusive')).toBe(false);
    closeFd(first);
    expect(tryLock(second, 'shared')).toBe(true);
    closeFd(second);
    rmdirSync(directory);
  });

  test('file systems are told apart', () => {
    expect(fileSystemType('/no/such/path')).toBeUndefined();
    expect(fileSystemType('/proc')).toBe(0x9fa0);
    expect(fileSystemType('/proc')).not.toBe(fileSystemMagic.bpffs);
  });
});
