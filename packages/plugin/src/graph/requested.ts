/** An environment that a command line of Nx asks for. */
export interface Requested {
  readonly environment: string;
  /** What may name the projects: empty for "all there are". */
  readonly words: readonly string[];
}

const exact = /^(.+):(bpf-[a-z]+):([^:]+)$/;
const mention = /(?:^|[:,=])bpf-[a-z]+(?:$|[:,])/;

/**
 * The environments that a command line asks BPF targets to run with, in each form that Nx has for it:
 * `nx run agent:bpf-load:prod`, `nx bpf-load agent -c prod`, `nx run-many -t bpf-build --configuration=prod`.
 *
 * @param argv arguments of Nx, with or without the program before them
 *
 * @example
 * ```ts
 * requested(['run', 'agent:bpf-load:prod']); // [{ environment: 'prod', words: ['agent'] }]
 * ```
 */
export function requested(argv: readonly string[]): Requested[] {
  const found = argv.flatMap((word): Requested[] => {
    const [, project, , environment] = exact.exec(word) ?? [];
    return project === undefined || environment === undefined ? [] : [{ environment, words: [project] }];
  });
  const environment = configurationOption(argv);
  if (environment !== undefined && argv.some((word) => mention.test(word))) {
    found.push({ environment, words: argv.flatMap((word) => word.split(/[:,=]/)) });
  }
  return found;
}

function configurationOption(argv: readonly string[]): string | undefined {
  const index = argv.findIndex((word) => /^(?:-c|--configuration)(?:=|$)/.test(word));
  if (index < 0) return undefined;
  const [, attached] = argv[index]!.split('=', 2);
  return attached ?? argv[index + 1];
}
