import { type Document, isMap, isSeq, parseDocument, type YAMLMap } from 'yaml';
import { type Template } from '../templates';

export interface AddedProgram {
  /** Name of the object; its source is `src/<object>.bpf.c`. */
  readonly object: string;
  /** Name of the program, and of its C function. */
  readonly program: string;
  readonly template: Template;
}

/**
 * A manifest with one more object and program. What is written already, comments and order, stays; so does an entry
 * of the same name.
 *
 * @throws Error for a file that is no manifest
 */
export function addToManifest(
  text: string,
  file: string,
  { object, program, template }: AddedProgram,
): string {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new Error(`${file} cannot be extended: ${error.message}`);
  if (document.contents !== null && !isMap(document.contents)) {
    throw new Error(`${file} cannot be extended: found no map of keys at its top`);
  }
  add(document, ['objects', object], {});
  add(document, ['programs', program], {
    object,
    ...(template.attach.length > 0 && { attach: template.attach.map((entry) => ({ ...entry })) }),
  });
  return document.toString({ flowCollectionPadding: true, lineWidth: 0 });
}

function add(document: Document, path: readonly string[], value: object): void {
  if (document.hasIn(path)) return;
  const node = document.createNode(value);
  const attach = isMap(node) ? node.get('attach', true) : undefined;
  // An attachment reads best on a line of its own: { xdp: { interface: lo } }.
  for (const item of isSeq(attach) ? attach.items : [node]) (item as YAMLMap).flow = true;
  document.setIn(path, node);
}
