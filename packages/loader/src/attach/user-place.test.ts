import { expect, test } from 'vitest';
import { parseUserPlace } from './user-place';

test.each([
  ['libc.so.6:malloc', { binary: 'libc.so.6', function: 'malloc' }],
  ['/usr/lib/libc.so.6:fork@@GLIBC_2.2.5', { binary: '/usr/lib/libc.so.6', function: 'fork@@GLIBC_2.2.5' }],
  ['node:v8::Isolate::New', { binary: 'node', function: 'v8::Isolate::New' }],
  ['/bin/x:f+0x10', { binary: '/bin/x', function: 'f', offset: 16 }],
  ['/bin/x:f+16', { binary: '/bin/x', function: 'f', offset: 16 }],
  ['/bin/x:0x1234', { binary: '/bin/x', function: undefined, offset: 0x1234 }],
  ['/bin/x:operator+', { binary: '/bin/x', function: 'operator+' }],
])('%s', (text, place) => {
  expect(parseUserPlace(text)).toEqual(place);
});

test.each(['', 'x', ':', ':f', 'x:', '/bin/x:99999999999999999999'])('%s is no place', (text) => {
  expect(() => parseUserPlace(text)).toThrow('BINARY:FUNCTION');
});
