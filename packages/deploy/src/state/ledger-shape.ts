import { jsonShape, linkEntryShape, type JsonShape } from '../manifest';

const { count, either, flag, list, nullable, oneOf, optional, record, text } = jsonShape;

/** Ids of the kernel. */
const ids = list(count);
const fields = nullable(list(record({ path: text, type: text, bitOffset: count, bits: count })));

const object = record({
  name: text,
  object: text,
  constants: text,
  sources: nullable(text),
  toolchain: nullable(text),
});

const program = record({
  name: text,
  object: text,
  function: text,
  section: text,
  type: text,
  insns: count,
  instructions: text,
  maps: list(text),
  id: count,
  tag: text,
  attachType: count,
  attachTarget: nullable(text),
  verified: count,
  translated: nullable(text),
  since: count,
});

const map = record({
  name: text,
  id: count,
  pin: optional(text),
  object: optional(text),
  slots: list(text),
  frozen: nullable(text),
  protect: flag,
  adopted: flag,
  since: count,
  type: text,
  keySize: count,
  valueSize: count,
  maxEntries: count,
  flags: count,
  abi: text,
  key: fields,
  value: fields,
});

const onInterface = { interface: text, netns: nullable(text), ifindex: count };

const tcPlace = record({
  ...onInterface,
  hook: oneOf(['tc']),
  direction: text,
  priority: count,
  handle: count,
  directAction: flag,
  madeQdisc: flag,
});

const lwtPlace = record({ ...onInterface, hook: oneOf(['lwt']), destination: text, kind: text });

const link = record({
  id: text,
  program: text,
  hook: text,
  target: text,
  spec: text,
  entry: linkEntryShape,
  kernelId: count,
  parts: optional(ids),
  place: optional(either(lwtPlace, tcPlace)),
  programId: count,
  neighbours: nullable(ids),
});

/** A ledger: whoever may write maps need not have been us. */
export const ledgerShape: JsonShape = record({
  format: oneOf([2]),
  project: text,
  environment: text,
  generation: count,
  rolledBackFrom: nullable(count),
  revision: text,
  committed: text,
  kernel: text,
  objects: list(object),
  programs: list(program),
  maps: list(map),
  links: list(link),
});

/** As far as one of the first format is read before it is turned into the present one. */
export const firstLedgerShape: JsonShape = record({
  objects: list(record({})),
  programs: list(record({ section: text })),
  maps: list(record({})),
  links: list(record({})),
});
