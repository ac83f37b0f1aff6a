import { Btf, type MapSpec } from '@nx-bpf/loader';
import { shapeOfSpec, type MapShape } from '../maps';
import { deployedName } from './desired-maps';
import { type PreparedObject } from './prepare';

/** A map as one of the objects defines it. */
export interface DefinedMap {
  readonly object: PreparedObject;
  readonly spec: MapSpec;
  readonly shape: MapShape;
}

/** Every map of the objects, by its name in the deployment; of one that objects share, the first definition. */
export function definedMaps(objects: readonly PreparedObject[]): Map<string, DefinedMap> {
  const found = new Map<string, DefinedMap>();
  for (const object of objects) {
    const { name, relocated } = object;
    const btf = relocated.btf && Btf.parse(relocated.btf, { object: name });
    for (const spec of relocated.maps) {
      const deployed = deployedName(name, spec);
      if (!found.has(deployed))
        found.set(deployed, { object, spec, shape: shapeOfSpec(spec, btf, deployed) });
    }
  }
  return found;
}
