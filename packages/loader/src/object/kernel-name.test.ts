import { expect, test } from 'vitest';
import { dataMapName, kernelName, objectName } from './kernel-name';

test.each([
  ['edge', '.rodata', 'edge.rodata'],
  ['my_object_name', '.rodata', 'my_objec.rodata'],
  ['my_object_name', '.bss', 'my_objec.bss'],
  ['my_object_name', '.kconfig', 'my_obje.kconfig'],
  ['my_object_name', '.data.flows', '.data.flows'],
  ['my_object_name', '.rodata.abracadabra', '.rodata.abracad'],
  ['my_object_name', '.rodata.str1.1', '.rodata.str1.1'],
  ['my-object', '.data', 'my_objec.data'],
  ['zähler', '.data', 'z__hler.data'],
])('data section of %s: %s', (object, section, name) => {
  expect(dataMapName(object, section)).toBe(name);
});

test('at most 15 bytes of what the kernel allows', () => {
  expect(kernelName('a_rather_long_name')).toBe('a_rather_long_n');
  expect(kernelName('flow$table')).toBe('flow_table');
});

test.each([
  ['build/edge.bpf.o', 'edge'],
  ['/a.b/edge.o', 'edge'],
  ['edge', 'edge'],
  ['.hidden', '.hidden'],
])('%s is object %s', (path, name) => {
  expect(objectName(path)).toBe(name);
});
