import { type Log, type Result } from 'sarif';
import { type Annotation } from './annotation';

/**
 * Annotations in the Static Analysis Results Interchange Format 2.1.0 (OASIS), which code hosts and editors read. Files
 * are relative to the workspace, whatever directory that is; the same annotations give the same bytes.
 *
 * @param version of nx-bpf
 */
export function sarifLog(annotations: readonly Annotation[], version: string): object {
  const rules = [...new Set(annotations.map(({ rule }) => rule))].sort();
  // The type is for us: whoever installs the package has no need of it.
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'nx-bpf', version, rules: rules.map((id) => ({ id })) } },
        columnKind: 'utf16CodeUnits',
        originalUriBaseIds: { WORKSPACE: { description: { text: 'the root of the workspace' } } },
        results: annotations.map((annotation) => resultOf(annotation, rules)),
      },
    ],
  } satisfies Log;
}

function resultOf({ kind, rule, file, line, column, text }: Annotation, rules: readonly string[]): Result {
  const region =
    line === undefined
      ? undefined
      : { startLine: line, ...(column !== undefined && { startColumn: column }) };
  return {
    ruleId: rule,
    ruleIndex: rules.indexOf(rule),
    level: kind,
    message: { text },
    ...(file !== undefined && {
      locations: [
        {
          physicalLocation: {
            artifactLocation: {
              uri: file.split('/').map(encodeURIComponent).join('/'),
              uriBaseId: 'WORKSPACE',
            },
            ...(region !== undefined && { region }),
          },
        },
      ],
    }),
  };
}
