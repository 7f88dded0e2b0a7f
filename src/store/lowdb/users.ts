// Paired users of the lowdb store: a file each, read on demand and remembered for some seconds, as what was written is.
// Nobody else writes them while the store is locked.

import type { PairedUser } from '../../domain/model.ts';
import type { Clock, UserStore } from '../../domain/ports.ts';
import { createExpiringMap } from '../memory/expiring-map.ts';
import { isUser } from '../shapes.ts';
import type { Disk } from './disk.ts';
import { openRecord } from './record.ts';
import type { Work } from './work.ts';

/** So long after it was read or written, a change that an operator makes by hand may go unnoticed; in milliseconds. */
const rememberMs = 10_000;
/** About 2 MB. */
const maxRemembered = 2_000;

/** `assertOpen` throws when the store is closed. */
export function createLowdbUsers(
  disk: Disk,
  work: Work,
  clock: Pick<Clock, 'monotonic'>,
  assertOpen: () => void,
): UserStore {
  const recent = createExpiringMap<PairedUser>(clock, rememberMs, maxRemembered);
  /** In turn, so that what was read before a write is not remembered after it. */
  const inTurn = <T>(userId: string, job: () => Promise<T>): Promise<T> => work.inTurn(`user ${userId}`, job);

  return {
    get: async (userId) => {
      assertOpen();
      const known = recent.get(userId);
      if (known) return known;
      return inTurn(userId, async () => {
        const record = openUser(disk, userId);
        await record.read();
        if (!record.data) return undefined;
        recent.set(userId, record.data);
        return record.data;
      });
    },

    put: async (user) => {
      assertOpen();
      return inTurn(user.userId, async () => {
        const record = openUser(disk, user.userId);
        // A damaged record may be all that is left of the earlier key: it is not written over.
        if (!recent.get(user.userId)) await record.read();
        recent.delete(user.userId);
        record.data = user;
        await record.write();
        recent.set(user.userId, user);
      });
    },
  };
}

/** A user's record as it is on disk. */
export function openUser(disk: Disk, userId: string) {
  return openRecord(
    disk,
    'users',
    userId,
    (value): value is PairedUser => isUser(value) && value.userId === userId,
  );
}
