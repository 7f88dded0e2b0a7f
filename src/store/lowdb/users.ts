// Paired users of the lowdb store: a file each, read on demand.

import type { PairedUser } from '../../domain/model.ts';
import type { UserStore } from '../../domain/ports.ts';
import { isUser } from '../shapes.ts';
import type { Disk } from './disk.ts';
import { openRecord } from './record.ts';
import type { Work } from './work.ts';

/** `assertOpen` throws when the store is closed. */
export function createLowdbUsers(disk: Disk, work: Work, assertOpen: () => void): UserStore {
  const recordOf = (userId: string) =>
    openRecord(
      disk,
      'users',
      userId,
      (value): value is PairedUser => isUser(value) && value.userId === userId,
    );

  return {
    get: async (userId) => {
      assertOpen();
      return work.run(async () => {
        const record = recordOf(userId);
        await record.read();
        return record.data ?? undefined;
      });
    },

    put: async (user) => {
      assertOpen();
      return work.inTurn(`user ${user.userId}`, async () => {
        const record = recordOf(user.userId);
        // A damaged record may be all that is left of the earlier key: it is not written over.
        await record.read();
        record.data = user;
        await record.write();
      });
    },
  };
}
