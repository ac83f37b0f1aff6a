'use strict';
/**
 * Loads one CommonJS file with V8's code cache, which is made after its first use: Node 20 compiles a megabyte of
 * JavaScript anew in every process otherwise. What is in a code cache is run, so it is taken only from a folder that
 * nobody but its owner can have changed, and only for the very file, Node and processor that it was made with; V8
 * itself refuses what was made by another build of it, with other flags, or what is cut short.
 */
const { Buffer } = require('node:buffer');
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

/** `$XDG_CACHE_HOME/nx-bpf/code`; undefined for a user without a home. */
function usualFolder({ XDG_CACHE_HOME, HOME } = process.env) {
  const base = XDG_CACHE_HOME || (HOME && path.join(HOME, '.cache'));
  return base && path.isAbsolute(base) ? path.join(base, 'nx-bpf', 'code') : undefined;
}

/**
 * Whether nobody but this user (and root) can put a file into a folder, or another folder in its place: no part of its
 * path belongs to somebody else or can be written by others. A sticky directory, as /tmp is, lets others remove only
 * what is theirs.
 */
function isPrivate(folder) {
  const me = process.geteuid?.() ?? 0;
  const OTHERS = 0o022;
  const STICKY = 0o1000;
  try {
    let place = fs.realpathSync.native(folder);
    const { uid, mode } = fs.lstatSync(place);
    if (uid !== me || (mode & OTHERS) !== 0) return false;
    while (place !== path.dirname(place)) {
      place = path.dirname(place);
      const above = fs.lstatSync(place);
      if (above.uid !== me && above.uid !== 0) return false;
      if ((above.mode & OTHERS) !== 0 && (above.mode & STICKY) === 0) return false;
    }
    return true;
  } catch {
    return false;
  }
}

/** What a code cache is for: Node, processor, and the file as stat(2) knows it, to the nanosecond of its last change. */
function stampOf(file) {
  const { dev, ino, size, mtimeNs, ctimeNs } = fs.statSync(file, { bigint: true });
  return `nx-bpf code 1 ${[process.version, process.arch, dev, ino, size, mtimeNs, ctimeNs].join(' ')}\n`;
}

function readCache(cache, stamp) {
  try {
    const bytes = fs.readFileSync(cache);
    const matches = bytes.length > stamp.length && bytes.toString('latin1', 0, stamp.length) === stamp;
    return matches ? bytes.subarray(stamp.length) : undefined;
  } catch {
    return undefined;
  }
}

function writeCache(folder, name, stamp, data) {
  const temporary = path.join(folder, `.${name}.${process.pid}`);
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!isPrivate(folder)) return;
    fs.writeFileSync(temporary, Buffer.concat([Buffer.from(stamp, 'latin1'), data]), { mode: 0o600 });
    fs.renameSync(temporary, path.join(folder, name));
  } catch {
    fs.rmSync(temporary, { force: true });
  }
}

/**
 * @param {string} file absolute path of a CommonJS file of ASCII
 * @param {string} name of its code cache: what runs is not the same for each, so each has a cache of its own
 * @param {string | undefined} folder of code caches
 * @returns {{ exports: any, cached: boolean, keep: () => void }} `keep` makes the code cache of what ran by then, unless
 *   there is one
 */
function loadCached(file, name, folder = usualFolder()) {
  const stamp = stampOf(file);
  const cachedData =
    folder !== undefined && isPrivate(folder) ? readCache(path.join(folder, name), stamp) : undefined;
  const text = fs.readFileSync(file, 'latin1');
  const script = new vm.Script(`(function (exports, require, module, __filename, __dirname) {${text}\n})`, {
    filename: file,
    cachedData,
  });
  const cached = cachedData !== undefined && script.cachedDataRejected !== true;
  const loaded = { exports: {} };
  const from = require('node:module').createRequire(file);
  script.runInThisContext()(loaded.exports, from, loaded, file, path.dirname(file));
  return {
    exports: loaded.exports,
    cached,
    keep: () => {
      if (!cached && folder !== undefined) writeCache(folder, name, stamp, script.createCachedData());
    },
  };
}

module.exports = { isPrivate, loadCached, usualFolder };
