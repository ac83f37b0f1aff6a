export { BpfError, type ErrorFields } from './bpf-error';
export { errorCodes, exitStatus, type ErrorCode } from './codes';
export { fileFailure } from './file-failure';
export { nearest } from './nearest';
