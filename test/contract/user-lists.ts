// What every store must do with lists of users. Part of the suite in store.ts.

import { describe, expect, test } from 'vitest';
import type { PairedUser } from '../../src/domain/pairing/model.ts';
import type { Store } from '../../src/domain/store.ts';

export function userListContract(user: PairedUser, given: () => { readonly store: Store }): void {
  const put = async (...userIds: string[]): Promise<void> => {
    for (const userId of userIds) await given().store.users.put({ ...user, userId });
  };
  const idsOf = async (...query: Parameters<Store['users']['list']>): Promise<string[]> =>
    (await given().store.users.list(...query)).users.map(({ userId }) => userId);

  describe('lists of users', () => {
    test('has no user in an empty store', async () => {
      expect(await given().store.users.list('', 10)).toEqual({ users: [], next: undefined });
    });

    test('has whole records in the order of ids, with and without a prefix', async () => {
      await put('b', 'a.1', 'Z', 'a', 'a-1', 'a_1', 'a+1', '9', 'aa');
      expect(await idsOf('', 10)).toEqual(['9', 'Z', 'a', 'a+1', 'a-1', 'a.1', 'a_1', 'aa', 'b']);
      expect(await idsOf('a.', 10)).toEqual(['a.1']);
      expect(await idsOf('a', 10)).toEqual(['a', 'a+1', 'a-1', 'a.1', 'a_1', 'aa']);
      expect(await idsOf('a*', 10)).toEqual([]);
      expect(await given().store.users.list('b', 10)).toEqual({
        users: [{ ...user, userId: 'b' }],
        next: undefined,
      });
    });

    test('pages have each user once', async () => {
      const all = Array.from({ length: 23 }, (_, n) => `user${String(n).padStart(2, '0')}`);
      await put(...all.toReversed(), 'other');
      const pages: string[][] = [];
      let after: string | undefined;
      do {
        const { users, next } = await given().store.users.list('user', 10, after);
        pages.push(users.map(({ userId }) => userId));
        after = next;
      } while (after !== undefined);
      expect(pages.map(({ length }) => length)).toEqual([10, 10, 3]);
      expect(pages.flat()).toEqual(all);
      // A page that is exactly full is the last one.
      expect((await given().store.users.list('user', 23)).next).toBeUndefined();
    });

    test('show what was written since an earlier list', async () => {
      await put('alice');
      expect(await idsOf('', 10)).toEqual(['alice']);
      await put('bob');
      const { users } = given().store;
      const revoked = { ...user, userId: 'alice', revokedAt: 2, revokedKeys: ['d3'] };
      expect(await users.replace(revoked, await users.get('alice'))).toBe(true);
      expect((await users.list('', 10)).users).toEqual([revoked, { ...user, userId: 'bob' }]);
    });
  });
}
