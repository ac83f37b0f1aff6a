import { BtfBuilder, IntEncoding, Linkage } from '../../btf';
import { btfLoad } from '../objects';
import { type Feature, verdictOf } from './feature';

/** Loads the smallest BTF that has what a feature is about, beside an `int` with id 1. */
function btfFeature(name: string, since: string, write: (builder: BtfBuilder, int: number) => void): Feature {
  return {
    name,
    since,
    probe: () => {
      const builder = new BtfBuilder();
      write(builder, builder.int('int', 4, IntEncoding.SIGNED));
      return verdictOf(btfLoad(builder.build()));
    },
  };
}

function writeFunction(builder: BtfBuilder, int: number, linkage: number): void {
  builder.func('f', builder.funcProto(0, [{ name: 'x', type: int }]), linkage);
}

function writeSection(builder: BtfBuilder, int: number, name: string): void {
  const variable = builder.variable('x', int, Linkage.STATIC);
  builder.datasec(name, 4, [{ type: variable, offset: 0, size: 4 }]);
}

/** What kernels know of BTF. Versions: the commits that added each kind to kernel/bpf/btf.c. */
export const btfFeatures = {
  btf: btfFeature('BTF', '4.18', () => undefined),
  btfFunctions: btfFeature('BTF of functions', '5.0', (builder, int) =>
    writeFunction(builder, int, Linkage.STATIC),
  ),
  btfGlobalFunctions: btfFeature('BTF of global functions', '5.6', (builder, int) =>
    writeFunction(builder, int, Linkage.GLOBAL),
  ),
  btfSections: btfFeature('BTF of variables and data sections', '5.2', (builder, int) =>
    writeSection(builder, int, '.data'),
  ),
  btfMarkedSections: btfFeature("BTF of data sections whose name begins with '?'", '6.9', (builder, int) =>
    writeSection(builder, int, '?.data'),
  ),
  btfFloats: btfFeature('BTF of floating-point types', '5.13', (builder) => void builder.float('float', 4)),
  btfDeclarationTags: btfFeature('BTF declaration tags', '5.16', (builder, int) => {
    builder.declTag('tag', builder.variable('x', int, Linkage.STATIC), -1);
  }),
  btfTypeTags: btfFeature('BTF type tags', '5.17', (builder, int) => {
    builder.pointer(builder.typeTag('tag', int));
  }),
  btfEnum64: btfFeature('BTF of 64-bit and of signed enums', '6.0', (builder) => {
    builder.enum64('e', 8, [{ name: 'VALUE', value: 0 }]);
  }),
} satisfies Readonly<Record<string, Feature>>;
