import { expect, test } from 'vitest';
import { BpfError } from '../errors';
import { type FunctionSpec, type ObjectSpec } from '../object';
import { layoutProgram } from './link';

/** An object whose function `i` has `sizes[i]` instructions and calls what `calls[i]` says, in this order. */
function objectOf(calls: readonly (readonly number[])[], size = 10): ObjectSpec {
  const functions = calls.map((callees, i): FunctionSpec => ({
    name: `f${i}`,
    section: '.text',
    offset: i * size * 8,
    instructions: new Uint8Array(size * 8),
    binding: 'global',
    hidden: false,
    references: callees.map((fn, insn) => ({
      kind: insn % 2 === 0 ? 'call' : 'function',
      insn,
      function: fn,
    })),
    typeId: 0,
    lineInfo: new Uint32Array(0),
    coreRelocations: new Uint32Array(0),
  }));
  return {
    name: 'x',
    littleEndian: true,
    license: '',
    kernelVersion: 0,
    btf: undefined,
    maps: [],
    programs: [],
    functions,
    variables: [],
    externs: [],
  };
}

const order = (calls: readonly (readonly number[])[], callback?: number): [number, number][] => [
  ...layoutProgram(objectOf(calls), 0, callback).starts,
];

test('subprograms follow where they are first met, those that they call before the next one', () => {
  expect(order([[3, 1], [2], [], [2, 4], []])).toEqual([
    [0, 0],
    [3, 10],
    [2, 20],
    [4, 30],
    [1, 40],
  ]);
});

test('each function is there once, also when functions call each other', () => {
  expect(
    order([
      [1, 1, 2],
      [2, 0],
      [1, 2],
    ]),
  ).toEqual([
    [0, 0],
    [1, 10],
    [2, 20],
  ]);
});

test('an exception callback comes last, with what it calls, unless something reaches it', () => {
  expect(order([[1], [], [3], []], 2).map(([fn]) => fn)).toEqual([0, 1, 2, 3]);
  expect(order([[2, 1], [], []], 2).map(([fn]) => fn)).toEqual([0, 2, 1]);
});

test('references count in the order of instructions', () => {
  const spec = objectOf([[1, 2], [], []]);
  const reversed = {
    ...spec,
    functions: spec.functions.map((fn) => ({ ...fn, references: [...fn.references].reverse() })),
  };
  expect([...layoutProgram(reversed, 0).starts]).toEqual([...layoutProgram(spec, 0).starts]);
});

test('a chain of very many functions is no problem, a program of too many instructions is named', () => {
  const chain = Array.from({ length: 90_000 }, (_, i) => (i + 1 < 90_000 ? [i + 1] : []));
  expect(layoutProgram(objectOf(chain), 0).size).toBe(900_000);
  const run = (): unknown => layoutProgram(objectOf(chain, 12), 0);
  expect(run).toThrow(BpfError);
  expect(run).toThrow(
    "x: program 'f0' and the functions it calls: found 1000008 instructions or more, expected 1000000 at most",
  );
});
