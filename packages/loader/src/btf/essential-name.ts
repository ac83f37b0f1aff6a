/**
 * A type's name without its flavour: CO-RE lets an object have several variants of one kernel type, whose names end
 * in `___` and a word. The last such separator counts, and a longer run of underscores is none
 * (`bpf_core_essential_name_len` in the kernel).
 *
 * @example
 * ```ts
 * essentialName('task_struct___old'); // 'task_struct'
 * essentialName('___x'); // '___x'
 * ```
 */
export function essentialName(name: string): string {
  for (let i = name.length - 5; i >= 0; i--) {
    if (name[i] !== '_' && name.startsWith('___', i + 1) && name[i + 4] !== '_') return name.slice(0, i + 1);
  }
  return name;
}
