/**
 * The form of a load image: 32-bit words in this machine's order, and bytes that they refer to by offset from the
 * image's start. Offsets are multiples of 8.
 */
export const MAGIC = 0x494c584e;

/** Changes whenever the meaning of the words does. */
export const VERSION = 1;

/** Words of the header. */
export const Header = {
  magic: 0,
  version: 1,
  length: 2,
  /** Possible CPUs that sizes of maps were made for; 0 where none depends on them. */
  cpus: 3,
  btf: 4,
  btfSize: 5,
  license: 6,
  maps: 7,
  mapTable: 8,
  programs: 9,
  programTable: 10,
} as const;
export const HEADER_WORDS = 12;

/** Words of a map. */
export const MapWord = {
  /** Attributes of BPF_MAP_CREATE but for the fd of the types. */
  attributes: 0,
  flags: 1,
  data: 2,
  dataSize: 3,
  /** Name of its pin, with a NUL that the size counts. */
  pin: 4,
  pinSize: 5,
} as const;
export const MAP_WORDS = 6;

export const MapFlag = { typed: 1, filled: 2, frozen: 4 } as const;

/** Words of a program. */
export const ProgramWord = {
  /** Attributes of BPF_PROG_LOAD but for addresses, counts of what they point to, and fds. */
  attributes: 0,
  insns: 1,
  insnCount: 2,
  funcInfo: 3,
  funcInfoCount: 4,
  lineInfo: 5,
  lineInfoCount: 6,
  /** Pairs of an instruction and the index of the map whose fd goes into it. */
  bindings: 7,
  bindingCount: 8,
  /** Indexes of maps that it holds without referring to them. */
  bound: 9,
  boundCount: 10,
  pin: 11,
  pinSize: 12,
  /** Instructions that the verifier walked. */
  cost: 13,
} as const;
export const PROGRAM_WORDS = 14;

/** Bytes of the attributes that an image holds, from the layouts of the room `kernel`. */
export const MAP_ATTRIBUTES = 80;
export const PROGRAM_ATTRIBUTES = 152;
