export { createDependencies } from './create-dependencies';
export { createNodes } from './create-nodes';
export { preTasksExecution } from './pre-tasks-execution';
