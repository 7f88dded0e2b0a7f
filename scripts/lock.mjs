// One setup at a time for a checkout: a lock file that names its owner. Used by setup.mjs.

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const waitMs = 300_000;
const stepMs = 100;

/**
 * Runs `work` while holding the lock of `root`, and lets go of it however `work` ends.
 * @param {string} root folder of the checkout
 * @param {() => Promise<void>} work
 */
export async function withLock(root, work) {
  const lock = join(root, '.setup.lock');
  acquire(lock);
  const release = () => rmSync(lock, { force: true });
  const interrupted = (signal) => {
    release();
    process.kill(process.pid, signal);
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    await work();
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    release();
  }
}

function acquire(lock) {
  const deadline = Date.now() + waitMs;
  while (!tryAcquire(lock)) {
    const owner = ownerOf(lock);
    if (owner !== undefined && !isAlive(owner)) removeStale(lock, owner);
    else if (Date.now() > deadline) {
      throw new Error(`process ${owner} is still setting up; if it is not, remove ${lock}`);
    } else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stepMs);
  }
}

/** A link appears with its content or not at all, so that the lock always names its owner. */
function tryAcquire(lock) {
  const mine = `${lock}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, lock);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(mine, { force: true });
  }
}

/** The process that holds the lock; undefined when it was let go of meanwhile. */
function ownerOf(lock) {
  try {
    return Number(readFileSync(lock, 'utf8'));
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  // A process of our own number is one from before a restart of the machine or container.
  if (pid === process.pid || !Number.isSafeInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Of several that find a dead owner one moves its lock away; a lock that is no longer the dead one's goes back. */
function removeStale(lock, owner) {
  const aside = `${lock}.${process.pid}.stale`;
  try {
    renameSync(lock, aside);
    if (ownerOf(aside) !== owner) linkSync(aside, lock);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}
