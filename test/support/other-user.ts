// Runs a part of a test as a user without a name. Only root may.

import { mkdtempSync, rmSync } from 'node:fs';

export const otherUser = 54_321;

/** @param prepare what the test's user does in the empty folder before */
export async function asOtherUser(
  prepare: (folder: string) => void,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  // The run's own folder for temporary files is closed to others.
  const folder = mkdtempSync('/tmp/swob-test-');
  try {
    prepare(folder);
    process.seteuid?.(otherUser);
    try {
      await work(folder);
    } finally {
      process.seteuid?.(0);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
