/** An environment that a command line of Nx asks for. */
export interface Requested {
  readonly environment: string;
  /** What may name the projects. */
  readonly words: readonly string[];
  /** Where none of the words is a project: every project is meant, or somebody else's. */
  readonly orAll: boolean;
}

/**
 * The environments that a command line asks BPF targets to run with, in each form that Nx has for it:
 * `nx run agent:bpf-load:prod`, `nx bpf-load agent -c prod`, `nx run-many -t bpf-build --configuration=prod`.
 *
 * @param argv arguments of Nx, with or without the program before them
 * @param targets what the BPF targets are called
 *
 * @example
 * ```ts
 * requested(['run', 'agent:bpf-load:prod'], ['bpf-load']); // [{ environment: 'prod', words: ['agent'], orAll: false }]
 * ```
 */
export function requested(argv: readonly string[], targets: readonly string[]): Requested[] {
  // Names of targets are words: namesOfTargets() sees to it.
  const target = `(?:${targets.join('|')})`;
  const exact = new RegExp(`^(.+):${target}:([^:]+)$`);
  const mention = new RegExp(`(?:^|[:,=])${target}(?:$|[:,])`);
  const found = argv.flatMap((word): Requested[] => {
    const [, project, environment] = exact.exec(word) ?? [];
    return project === undefined || environment === undefined
      ? []
      : [{ environment, words: [project], orAll: false }];
  });
  const environment = configurationOption(argv);
  if (environment !== undefined && argv.some((word) => mention.test(word))) {
    found.push({ environment, words: argv.flatMap((word) => word.split(/[:,=]/)), orAll: true });
  }
  return found;
}

function configurationOption(argv: readonly string[]): string | undefined {
  const index = argv.findIndex((word) => /^(?:-c|--configuration)(?:=|$)/.test(word));
  if (index < 0) return undefined;
  const [, attached] = argv[index]!.split('=', 2);
  return attached ?? argv[index + 1];
}
