/** A numbering of the kernel's: names by number, and numbers by name. */
export interface NumberedNames<Name extends string> {
  readonly names: readonly Name[];
  readonly numbers: Readonly<Record<Name, number>>;
  /** undefined for a number that has no name here. */
  name(number: number): Name | undefined;
  /** undefined for a name that is not known. */
  number(name: string): number | undefined;
}

/** Makes the two directions of an enum whose values count from 0. */
export function namesOf<Name extends string>(names: readonly Name[]): NumberedNames<Name> {
  const numbers = Object.fromEntries(names.map((name, number) => [name, number])) as Record<Name, number>;
  const byName = new Map<string, number>(Object.entries(numbers));
  return { names, numbers, name: (number) => names[number], number: (name) => byName.get(name) };
}
