import { type Group } from './group';
import { mapGroup } from './map/group';

/** The groups of commands on objects in the kernel and on files, in the order of the help. */
export const groups: readonly Group[] = [mapGroup];
