/** What the features use of the loader: its public API, and of the room `kernel` what only tests need. */
export * from '../../packages/loader/src';
export {
  features,
  hasFeature,
  interfaceIndex,
  kernelConfig as runningKernelConfig,
  kernelSymbols,
  Namespace,
  Netlink,
  netlinkAttribute,
  netlinkMessage,
  routeRequest,
  setNamespace,
  setSocketOption,
  unmount,
  unshare,
} from '../../packages/loader/src/kernel';
