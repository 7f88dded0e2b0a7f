// The folder of a test run's temporary files. Used by test.mjs.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Type of a file system in memory, as statfs(2) has it. */
const tmpfs = 0x0102_1994;
/** The tests hold about a fifth of it at a time. */
const neededBytes = 1024 ** 3;

/**
 * Creates an empty folder. It is in memory where the machine has enough of it, because the tests wait for thousands of
 * writes to be synced; what they check of durability does not depend on the device. TMPDIR overrides the choice.
 */
export function createTemporaryFolder({ env = process.env, memory = '/dev/shm' } = {}) {
  const fits = !env.TMPDIR && isRoomy(memory) && runsPrograms(memory);
  return mkdtempSync(join(fits ? memory : tmpdir(), 'swob-run-'));
}

function isRoomy(folder) {
  try {
    const { type, bavail, bsize } = statfsSync(folder);
    // `constrainedMemory` is the limit of a container; without one it is 0 or above all memory.
    const limit = process.constrainedMemory?.() || Number.POSITIVE_INFINITY;
    return type === tmpfs && Math.min(bavail * bsize, freemem(), limit) >= neededBytes;
  } catch {
    return false;
  }
}

/** Tests run scripts in the folder, which a container's /dev/shm may forbid. */
function runsPrograms(folder) {
  let own;
  try {
    own = mkdtempSync(join(folder, 'swob-probe-'));
    const script = join(own, 'probe');
    writeFileSync(script, '#!/bin/sh\nexit 0\n');
    chmodSync(script, 0o700);
    return spawnSync(script).status === 0;
  } catch {
    return false;
  } finally {
    if (own) rmSync(own, { recursive: true, force: true });
  }
}
