import ts from 'typescript';
import { expect } from 'vitest';
import * as deploy from '@nx-bpf/deploy';
import * as loader from '@nx-bpf/loader';
import { type Documented } from './collect';

/** An expression of an example and the value that the comment after it gives. */
interface Claim {
  readonly start: number;
  readonly end: number;
  /** JavaScript. */
  readonly value: string;
  /** The comment leaves fields out: `{ name: 'edge', ... }`. */
  readonly partial: boolean;
}

const silent = { log: () => undefined, error: () => undefined };

/**
 * Runs the examples of a docstring one after the other. What a comment says of the expression before it must be true,
 * and must have been reached:
 *
 *     errnoName(22); // 'EINVAL'
 *     program.testRun().returnValue; // 2, XDP_PASS
 *
 * A comment that does not start as a value does is prose.
 *
 * @param values of the free names, besides those that the packages export
 * @returns how many claims were compared
 */
export async function run(documented: Documented, values: object): Promise<number> {
  let count = 0;
  for (const code of documented.examples) {
    const claims = claimsOf(code);
    const reached = new Set<number>();
    const check = (actual: unknown, i: number): void => {
      const { value, partial } = claims[i]!;
      reached.add(i);
      const expected: unknown = new Function(`return (${value});`)();
      const message = `${documented.place}: ${documented.name}: // ${value}`;
      if (partial) expect(actual, message).toMatchObject(expected as object);
      else expect(actual, message).toEqual(expected);
    };
    const scope: object = { ...loader, ...deploy, ...values, console: silent, check };
    await compiled(code, claims, Object.keys(scope))(...Object.values(scope));
    expect([...reached], `${documented.place}: claims that were reached`).toHaveLength(claims.length);
    count += claims.length;
  }
  return count;
}

/** An example as a function of its free names, in which every claim is a call of `check`. */
function compiled(
  code: string,
  claims: readonly Claim[],
  names: readonly string[],
): (...values: unknown[]) => unknown {
  let text = code;
  for (const [i, { start, end }] of [...claims.entries()].reverse()) {
    text = `${text.slice(0, start)}check(${text.slice(start, end)}, ${i})${text.slice(end)}`;
  }
  const { outputText } = ts.transpileModule(`const example = async () => {\n${text}\n};`, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  });
  return new Function(...names, `${outputText}; return example();`) as (...values: unknown[]) => unknown;
}

function claimsOf(code: string): Claim[] {
  const source = ts.createSourceFile('example.ts', code, ts.ScriptTarget.Latest, true);
  const claims: Claim[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isExpressionStatement(node)) {
      const comment = /^\s*\/\/ (.*)/.exec(code.slice(node.end))?.[1];
      const value = comment === undefined ? undefined : valueOf(comment);
      if (value !== undefined) {
        claims.push({ start: node.expression.getStart(), end: node.expression.end, ...value });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return claims;
}

/** The value that a comment starts with; after a comma come words: `2, XDP_PASS`. */
function valueOf(comment: string): Pick<Claim, 'value' | 'partial'> | undefined {
  if (!/^(['"[{]|-?\d|(true|false|undefined|null|new \w+|Uint8Array)\b)/.test(comment)) return undefined;
  const complete = comment.replace(/,? \.\.\. ?(?=[}\]])/, '');
  const source = ts.createSourceFile('value.ts', `(${complete})`, ts.ScriptTarget.Latest, true);
  let value: ts.Node = (source.statements[0] as ts.ExpressionStatement).expression;
  if (ts.isParenthesizedExpression(value)) value = value.expression;
  while (ts.isBinaryExpression(value) && value.operatorToken.kind === ts.SyntaxKind.CommaToken)
    value = value.left;
  return { value: value.getText(), partial: complete !== comment };
}
