export { describeConfig, renderConfig } from './config';
export { renderDeployment } from './deployment';
export { errorJson, errorStatus, renderError, type ErrorJson } from './error';
export { renderPlan } from './plan';
export { table, type Column } from './table';
