export { btfOf } from './btf-file';
export { buildObjects, type BuildOptions } from './build-objects';
export { type BuiltObject } from './compile-object';
export { parseDependencies } from './dependencies';
export { parseDiagnostics, type Diagnostic, type Severity } from './diagnostics';
export { findClang, type Clang } from './find-clang';
export { scanIncludes, type Inclusion } from './include-scan';
export { stripDebug } from './strip-debug';
export { vmlinuxHeader, type VmlinuxHeader } from './vmlinux';
