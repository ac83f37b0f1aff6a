export { ByteView, decodeText, type ByteSource } from './byte-view';
