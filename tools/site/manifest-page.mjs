/**
 * The reference of bpf.config.yaml, made from its JSON schema: every key with what it takes and what it means.
 *
 * @param {object} schema packages/deploy/schema.json
 * @returns {string} Markdown
 */
export function manifestPage(schema) {
  const lines = [
    '# Manifest reference',
    '',
    'Every key of `bpf.config.yaml`, at the root of a workspace and in its projects. What applies where, in which order',
    'files and environments are laid over each other, and what the values do is told in [deploying](../deploy.md),',
    '[maps](../maps.md), [hooks](../hooks.md) and [verify](../verify.md). `null` removes what a weaker layer says.',
    '',
  ];
  for (const [name, property] of Object.entries(schema.properties)) {
    const { description = '' } = described(schema, property);
    const inside = again.has(name)
      ? [`Each has the keys of this page, by a name of your choice.`, '']
      : rows(schema, property);
    lines.push(`## ${name}`, '', text(description), '', ...inside);
  }
  return `${lines.join('\n')}\n`;
}

/** What is laid over the rest, or stands for a file. */
const again = new Set(['environments', 'projects']);

/** A table of the keys below one, each with its whole path. */
function rows(schema, property) {
  const found = [...keys(schema, property, '', [])];
  if (found.length === 0) return [`Takes ${takes(schema, property)}.`, ''];
  return [
    '| key | takes | meaning |',
    '| --- | --- | --- |',
    ...found.map(
      ({ key, of }) =>
        `| \`${key}\` | ${takes(schema, of)} | ${text(described(schema, of).description ?? '')} |`,
    ),
    '',
  ];
}

/** Deep enough for every key; hooks repeat the same options under many names. */
const deepest = 6;

function* keys(schema, property, prefix, seen) {
  const node = resolved(schema, property);
  if (seen.length > deepest || seen.includes(node)) return;
  const inside = [...seen, node];
  for (const [name, of] of Object.entries(node.properties ?? {})) {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    yield { key, of };
    yield* keys(schema, of, key, inside);
  }
  if (typeof node.additionalProperties === 'object') {
    yield* keys(schema, node.additionalProperties, prefix === '' ? 'NAME' : `${prefix}.NAME`, inside);
  }
  if (node.type === 'array' && node.items !== undefined)
    yield* keys(schema, node.items, `${prefix}[]`, inside);
}

/** A schema through its references, and without the `null` that every key takes. */
function resolved(schema, node) {
  let at = node;
  for (;;) {
    if (at.$ref !== undefined) at = schema.$defs[at.$ref.replace('#/$defs/', '')];
    else if (at.anyOf !== undefined) {
      const [only, ...more] = at.anyOf.filter(({ type }) => type !== 'null');
      if (more.length > 0) {
        const withKeys = at.anyOf
          .map((each) => resolved(schema, each))
          .find((each) => each.properties !== undefined || each.type === 'array');
        return withKeys ?? at;
      }
      at = only;
    } else return at;
  }
}

/** The description of a key, or else of what it refers to. */
function described(schema, node) {
  let at = node;
  while (at.description === undefined) {
    if (at.$ref !== undefined) at = schema.$defs[at.$ref.replace('#/$defs/', '')];
    else {
      const rest = at.anyOf?.filter(({ type }) => type !== 'null') ?? [];
      if (rest.length !== 1) return at;
      [at] = rest;
    }
  }
  return at;
}

function takes(schema, node, depth = 0) {
  let at = node;
  while (at.$ref !== undefined) at = schema.$defs[at.$ref.replace('#/$defs/', '')];
  if (at.anyOf !== undefined) {
    const parts = at.anyOf.filter(({ type }) => type !== 'null').map((each) => takes(schema, each, depth));
    return [...new Set(parts)].join(' or ');
  }
  if (at.const !== undefined) return `\`${at.const}\``;
  if (at.enum !== undefined) return at.enum.map((each) => `\`${each}\``).join(', ');
  if (at.type === 'array')
    return depth > 1 ? 'a list' : `a list of ${takes(schema, at.items ?? {}, depth + 1)}`;
  if (at.type === 'object') return at.properties === undefined ? 'keys of your choice' : 'keys';
  if (at.type === undefined) return 'any value';
  return (
    { string: 'text', boolean: 'true or false', integer: 'a number', number: 'a number' }[at.type] ?? at.type
  );
}

function text(description) {
  return description
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replaceAll('\n', ' ')
    .replaceAll('{{', '{ {');
}
