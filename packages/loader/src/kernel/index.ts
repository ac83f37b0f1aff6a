export * from './attributes';
export { bpf, bpfCall, type Answer } from './bpf';
export { missingCapabilities, privileges, type Capability, type Privileges } from './capabilities';
export { closeAll } from './close-all';
export { Command, type CommandName } from './commands';
export { Errno, errnoName, errnoNumber, errnoText } from './errno';
export { failure, succeeded, type FailureContext } from './failure';
export { probePmu, type ProbePmu } from './probe-pmu';
export { Fd, closeFd, duplicateFd, fdInfoLine, lookAtNew, openPath } from './fd';
export { decode, encode, type Encoded, type Layout, type LayoutInput, type LayoutOutput } from './layout';
export { features, hasFeature, hasMapType, hasProgramType, type Feature } from './features';
export { u64Array } from './arrays';
export {
  iterCreate,
  linkCreate,
  linkDetach,
  linkKprobes,
  linkUpdate,
  multiReturnFlag,
  rawTracepointOpen,
  type KprobeMulti,
} from './links';
export {
  MapUpdate,
  mapBatch,
  mapCreate,
  mapDelete,
  mapFreeze,
  mapLookup,
  mapLookupAndDelete,
  mapNextKey,
  mapUpdate,
  type BatchCommand,
  type MapBatch,
} from './maps';
export {
  allIds,
  btfLoad,
  enableRunTimeStats,
  fdById,
  nextId,
  objectGet,
  objectPin,
  type ObjectKind,
} from './objects';
export {
  programBindMap,
  programLoad,
  programLoadInThread,
  programQuery,
  testRun,
  TestRunFlag,
  type ProgramLoadAnswer,
  type ProgramLoadAttributes,
  type TestRunInput,
  type TestRunResult,
} from './programs';
export { btfBytes, btfInfo, type BtfInfo } from './btf-info';
export { fileSystemMagic, fileSystemType, ioctl, Rename, renameFlags, tryLock, unlock } from './files';
export { tokenOf, withToken } from './token';
export { withObject } from './info';
export { linkInfo, type LinkInfo, type LinkTarget, type PerfEventTarget } from './link-info';
export { mapInfo, type MapInfo } from './map-info';
export { mapMemory, type MappedMemory } from './memory';
export { Mount, mount, unmount } from './mount';
export { interfaceIndex, Namespace, setNamespace, unshare } from './namespaces';
export { PerfIoctl, perfEventOpen, perfEventProgram, type PerfEventProgram } from './perf-event';
export { programCode, programInfo, type ProgramCode, type ProgramInfo } from './program-info';
export { onlineCpus, possibleCpus } from './cpus';
export {
  kernelIdentity,
  moduleIdentities,
  kernelVersionCode,
  versionCodeOf,
  type KernelIdentity,
} from './identity';
export { fileStatus, makeDirectoryQuickly, readQuickly, type FileStatus } from './file-status';
export { indexedBtf } from './indexed-btf';
export { keepKernelKnowledge, kernelFolder } from './kernel-folder';
export { quickCrc32 } from './checksum';
export { addressNumber, QuickBpf } from './quick-bpf';
export { refuseSharedFolder, writeByRename } from './private-folder';
export { functionAddresses, functionsAt, kernelFunctions, kernelSymbols } from './kallsyms';
export { kernelConfig, parseKernelConfig } from './kconfig';
export { kernelBtfBytes, moduleBtfBytes, moduleBtfFd, moduleBtfNames } from './kernel-btf';
export { allMounts, findMount, findTracefs, type MountPoint } from './mounts';
export { runningKernel, syscallFunction } from './running-kernel';
export {
  addClsact,
  filterParents,
  ingressQdisc,
  listFilters,
  putFilter,
  removeClsact,
  removeFilter,
  type TcFilterInfo,
  type TcFilterKey,
} from './traffic-control';
export { tagAlgorithm, type TagAlgorithm } from './tag-algorithm';
export { networkInterfaces, routeRequest, routeSocket, type RouteAnswer } from './netlink';
export { Netlink, netlinkAttribute, netlinkMessage } from './netlink-format';
export { type NetworkInterface, type XdpAttachment, type XdpMode } from './netlink-messages';
export { putRoute, removeRoute, routesTo, type RouteKey, type RouteProgram } from './routes';
export { setSocketOption, SocketOption } from './socket-options';
export { objectKind, openPin, pinObject } from './pins';
export { FdWatch } from './poll';
export { pageSize } from './page-size';
