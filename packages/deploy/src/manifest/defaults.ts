import { located, nowhere } from './located';

/** Where everything is pinned, unless a manifest says otherwise. */
export const usualPinRoot = '/sys/fs/bpf/nx-bpf';

/** The weakest layer: what a manifest that says nothing means. */
export const defaults = located(
  {
    toolchain: { clang: 'clang', mcpu: 'v3', cflags: [], vmlinux: 'kernel' },
    pin: { root: usualPinRoot, mode: '0700' },
    kernels: {},
    deploy: { keepGenerations: 2, lockTimeout: '30s', requireLock: false, signedBy: [] },
    privileges: {
      helper: 'none',
      node: '/usr/bin/node',
      installation: '/opt/nx-bpf',
      socket: '/run/nx-bpf/helper.sock',
    },
    objects: {},
    maps: {},
    programs: {},
    structOps: {},
    run: {},
  },
  nowhere,
);

export const objectDefaults = (name: string) => ({
  source: `src/${name}.bpf.c`,
  constants: {},
  carry: [],
  cflags: [],
  includes: [],
});

export const kernelDefaults = { required: true };

export const mapDefaults = { pin: 'project', migrate: 'refuse', protect: false };

/** @param soleObject the project's object if it has exactly one */
export const programDefaults = (name: string, soleObject: string | undefined) => ({
  object: soleObject,
  function: name,
  attach: {},
  variants: {},
  optional: false,
});

/** @param soleObject the project's object if it has exactly one */
export const structOpsDefaults = (name: string, soleObject: string | undefined) => ({
  object: soleObject,
  map: name,
  optional: false,
});

export const attachDefaults = { optional: false, replace: 'make-before-break' };
