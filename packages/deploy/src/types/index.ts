export { eventTypes, type EventType } from './event-types';
export { generateTypes, type TypedSpec } from './generate';
