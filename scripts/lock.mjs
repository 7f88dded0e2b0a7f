// A lock file that allows one setup at a time in a checkout, and names its owner. Used by setup.mjs.

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const waitMs = 300_000;
const stepMs = 100;

/**
 * Runs `work` while holding the lock of `root`, and releases it also when `work` fails.
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

/** Creating a link is atomic with its content, so that the lock always names its owner. */
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

/** The process that holds the lock; undefined when it has been released. */
function ownerOf(lock) {
  try {
    return Number(readFileSync(lock, 'utf8'));
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  // Our own pid in the lock is from before a restart of the machine or container.
  if (pid === process.pid || !Number.isSafeInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Only one process moves away the lock of a dead owner; a lock that turns out to be another's is put back. */
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
