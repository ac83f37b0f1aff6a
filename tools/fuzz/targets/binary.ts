import { parseUsdtArguments } from '../../../packages/loader/src/attach/usdt-arguments';
import {
  Binary,
  binaryFunctions,
  bytesOfFile,
  findFunction,
  matchFunctions,
  usdtProbes,
} from '../../../packages/loader/src/elf';
import { BpfError } from '../../../packages/loader/src/errors';
import { elfMutator } from '../mutate/elf';
import { seedBinaries } from '../seeds/binaries';
import { type Target } from '../target';

export const binary: Target = {
  name: 'binary',
  what: 'executables and shared objects: functions, their versions, USDT notes',
  rooms: ['headers', 'functions', 'probes', 'arguments of probes'],
  sources: [
    ...[
      'binary',
      'binary-functions',
      'binary-strings',
      'file-bytes',
      'find-function',
      'symbol-versions',
      'usdt-notes',
    ].map((name) => `packages/loader/src/elf/${name}.ts`),
  ],
  seeds: seedBinaries,
  mutate: elfMutator,
  run(input, past) {
    const file = Binary.read(bytesOfFile('fuzz', input));
    past(0);
    attempt(() => {
      for (const { name, address } of binaryFunctions(file)) {
        if (name.length === 1) findFunction(file, name);
        file.fileOffset(address);
      }
      past(1);
    });
    attempt(() => findFunction(file, 'main'));
    attempt(() => findFunction(file, 'no_such_function'));
    attempt(() => matchFunctions(file, '*e*'));
    for (const probe of usdtProbes(file)) {
      past(2);
      parseUsdtArguments(probe.arguments, file.machine);
      past(3);
    }
  },
};

/** What one reader refuses, another may read. */
function attempt(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
  }
}
