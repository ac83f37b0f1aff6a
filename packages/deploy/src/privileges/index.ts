export { callHelper, type HelperCall } from './call-helper';
export { checkPolicy, policyFile, readPolicy, requireSignature, rulesFor, type Rule } from './policy';
export {
  helperCommands,
  readRequest,
  type HelperCommand,
  type HelperLine,
  type HelperOptions,
  type HelperRequest,
} from './protocol';
