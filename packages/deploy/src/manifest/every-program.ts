import { type ProgramConfig, type ProjectConfig, type VariantConfig } from './config';

/** A program of the manifest, or one of its variants. */
export interface ProgramOrVariant extends Pick<ProgramConfig, 'object' | 'function' | 'attach'> {
  readonly program: string;
  /** Undefined: the program has none. */
  readonly variant: VariantConfig | undefined;
}

/** Every program that may be used on some host: those without variants, and every variant of the others, in their order. */
export function everyProgram({ programs }: ProjectConfig): ProgramOrVariant[] {
  return Object.entries(programs).flatMap(([program, config]): ProgramOrVariant[] => {
    if (config.variants.length === 0) {
      const { object, function: entry, attach } = config;
      return [{ program, variant: undefined, object, function: entry, attach }];
    }
    return config.variants.map((variant) => {
      const { object, function: entry, attach } = variant;
      return { program, variant, object, function: entry, attach };
    });
  });
}
