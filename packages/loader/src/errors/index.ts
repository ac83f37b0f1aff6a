export { BpfError, type ErrorFields } from './bpf-error';
export { errorCodes, exitStatus, type ErrorCode } from './codes';
export { nearest } from './nearest';
