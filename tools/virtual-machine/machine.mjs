import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
require('../run-source.js');

/** The runner of guests, which is part of the product: `nx-bpf verify --level vm` boots with the same code. */
export const {
  acceleration,
  machineFiles,
  moduleFiles,
  runGuest,
  sharedFiles,
} = require('../../packages/deploy/src/machine');
