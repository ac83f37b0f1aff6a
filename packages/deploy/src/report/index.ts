export { describeConfig, renderConfig } from './config';
export { renderDeployment } from './deployment';
export { errorJson, errorStatus, renderError, type ErrorJson } from './error';
export { jsonWriter, type JsonWriter } from './json-writer';
export { planSummary, renderPlan } from './plan';
export { table, type Column } from './table';
export { hexText, plain, resultJson, valueJson, valueText } from './value';
export { renderLoads } from './loads';
export { annotations, renderVerdicts } from './verify';
