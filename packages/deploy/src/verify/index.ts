export { fails, verdictName, type Finding, type KernelVerdict, type ProgramVerdict } from './verdict';
export { verify, type VerifyInput } from './verify';
