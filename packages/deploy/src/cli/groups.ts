import { btfGroup } from './btf/group';
import { eventsGroup } from './events/group';
import { featuresGroup } from './features/group';
import { type Group } from './group';
import { linkGroup } from './link/group';
import { mapGroup } from './map/group';
import { progGroup } from './prog/group';
import { typesGroup } from './types/group';

/** The groups of commands on objects in the kernel and on files, in the order of the help. */
export const groups: readonly Group[] = [
  mapGroup,
  progGroup,
  linkGroup,
  eventsGroup,
  btfGroup,
  featuresGroup,
  typesGroup,
];
