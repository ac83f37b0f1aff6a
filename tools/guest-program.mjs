/** Prints the program of guests, bundled from the source: what a published package has as `dist/guest.js`. */
import process from 'node:process';
import { bundle } from './virtual-machine/bundle.mjs';

const { bytes } = await bundle('packages/deploy/src/verify/guest-main.ts');
process.stdout.write(bytes);
