/**
 * Loads an object in a process of its own, as a test wants it: with other rights than those of the test.
 *
 *   node -r tools/run-source.js tools/testing/load-one.ts FILE PROGRAM [TOKEN]
 *
 * Prints what the program returns for a packet of zeros, or the error that the loader gave, as one line of JSON.
 */
import { BpfError, loadFile } from '../../packages/loader/src';

const [file, name, token] = process.argv.slice(2) as [string, string, string | undefined];
try {
  const collection = loadFile(file, { token });
  const { returnValue } = collection.program(name).testRun({ data: new Uint8Array(64) });
  const variable = collection.variable('calls').get();
  collection.close();
  console.log(JSON.stringify({ returnValue, calls: Number(variable), notes: collection.notes }));
} catch (error) {
  if (!(error instanceof BpfError)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}
