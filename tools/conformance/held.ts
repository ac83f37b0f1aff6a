import { type Handles } from '../oracle/handles';
import { type Json } from '../oracle/difference';
import { runAll } from '../oracle/run';
import { snapshot } from '../oracle/snapshot';

/**
 * What the kernel holds of an object of which one program was asked for: that program, all maps, and what the program
 * returns where it can be run.
 */
export function held(handles: Handles, program: string): Json {
  const { programs, maps } = snapshot(handles);
  const fd = handles.programs.get(program);
  const returns = fd === undefined ? {} : runAll({ programs: new Map([[program, fd]]), maps: handles.maps });
  return { program: programs[program] ?? null, maps, returns };
}
