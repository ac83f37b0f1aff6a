/**
 * `@nx-bpf/deploy/projects`: which projects of a workspace have BPF objects. It reads YAML, and loads neither the
 * loader nor the schema, since Nx asks for it in every command: 25 files instead of 320.
 */
export { listProjects, manifestFile, type ListedProject } from './manifest/discover';
export { type WrittenSources } from './manifest/written-sources';
export { scanIncludes, type Inclusion } from './toolchain/include-scan';
