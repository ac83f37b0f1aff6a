import path from 'node:path';
import { fileSystemMagic, fileSystemType } from '@nx-bpf/loader';
import { type ProjectConfig } from '../manifest';
import { isThere } from '../state';

/**
 * What to tell where nothing is deployed: all that was ever known of a deployment is in the kernel, and is gone with a
 * reboot, or with the file system that it was pinned in.
 *
 * @returns undefined if the manifest asks for nothing, or only for what may be left out
 */
export function absenceOf({ pin, programs, structOps }: ProjectConfig): string | undefined {
  const required = [
    ...Object.values(programs).filter(({ optional, attach }) => !optional && !isOptional(attach)),
    ...Object.values(structOps).filter(({ optional }) => !optional),
  ];
  if (required.length === 0) return undefined;
  const place = nearest(pin.root);
  if (fileSystemType(place) !== fileSystemMagic.bpffs) {
    return `${pin.root} is not on a bpf file system, so nothing is pinned there: mount it (mount -t bpf bpf /sys/fs/bpf), then apply`;
  }
  return `it was never applied, was destroyed, or is gone with a reboot or with the bpf file system at ${pin.root}; apply makes all of it`;
}

/** A program that is attached nowhere is wanted all the same. */
function isOptional(attach: readonly { readonly optional: boolean }[]): boolean {
  return attach.length > 0 && attach.every(({ optional }) => optional);
}

/** The place itself, or what of the path above it is there. */
function nearest(place: string): string {
  return isThere(place) || place === path.dirname(place) ? place : nearest(path.dirname(place));
}
