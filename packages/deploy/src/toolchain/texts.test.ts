import { expect, test } from 'vitest';
import { parseDependencies } from './dependencies';
import { diagnosticText, isError, parseDiagnostics } from './diagnostics';

test('a dependency file names the source and every header once', () => {
  const text =
    'out/x.o: src/x.bpf.c \\\n  include/a\\ b.h /usr/include/asm/types.h \\\r\n  a$$b\\#c.h src/x.bpf.c\n';
  expect(parseDependencies(text)).toEqual([
    'src/x.bpf.c',
    'include/a b.h',
    '/usr/include/asm/types.h',
    'a$b#c.h',
  ]);
  expect(parseDependencies('')).toEqual([]);
});

test('messages of clang, without the lines that it shows', () => {
  const text = `In file included from src/x.c:1:
include/a.h:3:7: error: unknown type name 'u33'
    3 | typedef u33 id;
      |         ^
src/x.c:10:1: warning: unused variable 'y' [-Wunused-variable]
src/x.c:1:10: fatal error: 'z.h' file not found
error: symbol 'license' is already defined
1 warning and 3 errors generated.
`;
  const found = parseDiagnostics(text);
  expect(found.map(({ file, line, column, severity }) => [file, line, column, severity])).toEqual([
    ['include/a.h', 3, 7, 'error'],
    ['src/x.c', 10, 1, 'warning'],
    ['src/x.c', 1, 10, 'fatal error'],
    [undefined, undefined, undefined, 'error'],
  ]);
  expect(found.filter(isError).map(diagnosticText)).toEqual([
    "include/a.h:3:7: error: unknown type name 'u33'",
    "src/x.c:1:10: fatal error: 'z.h' file not found",
    "error: symbol 'license' is already defined",
  ]);
  expect(found[0]?.message).toBe("unknown type name 'u33'");
});
