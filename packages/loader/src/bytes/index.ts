export { ipBytes, ipv6Text, macBytes } from './addresses';
export { ByteView, decodeText, type ByteSource } from './byte-view';
export { globPattern, isGlob } from './glob';
