import { jsonShape, type JsonShape } from '../manifest';

const { dictionary, list, optional, record, text } = jsonShape;

const relocation = record({ object: text, programs: list(text), kernel: text, btf: text, file: text });

/** The index of a bundle, once its format is known: whoever wrote the bundle need not have been us. */
export const indexShape: JsonShape = record({
  project: text,
  environment: text,
  config: text,
  objects: list(record({ name: text, file: text, sha256: text, sources: text, toolchain: text })),
  // Bundles of earlier versions have none.
  relocations: optional(list(relocation)),
  files: dictionary(text),
});
