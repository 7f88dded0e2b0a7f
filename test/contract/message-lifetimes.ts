// How long every store must keep outgoing messages. Part of the suite in store.ts.

import { describe, expect, test } from 'vitest';
import type { OutgoingMessage } from '../../src/domain/outgoing/message.ts';
import type { Store } from '../../src/domain/store.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { messageOf, nextOf } from '../support/outgoing-messages.ts';

const noMessages = { queued: 0, sent: 0, delivered: 0, failed: 0, expired: 0, cancelled: 0 };

export function messageLifetimeContract(
  given: () => { readonly store: Store; readonly clock: FakeClock },
): void {
  describe('the time to live of outgoing messages', () => {
    const messages = () => given().store.messages;
    const now = () => given().clock.now();
    const add = async (...all: OutgoingMessage[]) => {
      expect(await messages().add(all)).toEqual([]);
      return all;
    };
    const replace = async (next: OutgoingMessage) => {
      const [isReplaced] = await messages().replaceAll([next]);
      return isReplaced;
    };
    const listed = async () => (await messages().list({}, { limit: 100 })).messages.map(({ id }) => id);
    const known = async (all: readonly OutgoingMessage[]) => {
      const found = await messages().getAll(all.map(({ id }) => id));
      return found.flatMap((each, at) => (each ? [at] : []));
    };

    test('keeps a message for its time to live by monotonic time, and longer a scheduled one', async () => {
      const { clock } = given();
      const [first, scheduled] = await add(
        messageOf(now(), { reviewAt: 5 }),
        messageOf(now(), { scheduledAt: now() + 100_000, handover: 'pending' }),
      );
      if (!first) return;
      clock.setWall(now() + 86_400_000);
      clock.advance(30_000);
      expect(await replace(nextOf(first))).toBe(true);
      clock.setWall(1_000_000);
      clock.advance(29_999);
      expect(await known([first])).toEqual([0]);
      clock.advance(1);
      expect(await known([first])).toEqual([]);
      expect(await listed()).toEqual([scheduled?.id]);
      expect(await messages().ofRequest('dev', first.uuid, 9)).toEqual([scheduled]);
      expect(await replace(nextOf(nextOf(first)))).toBe(false);
      expect(await messages().due(9, 9)).toEqual([]);
      await add(messageOf(now(), { id: first.id }));
      clock.advance(60_000);
      expect(await listed()).toEqual([scheduled?.id]);
    });

    test('keeps a message that waits longer than planned, and for its time to live after that', async () => {
      const { clock } = given();
      const pending = () => messageOf(now(), { handover: 'pending', waitsUntil: now() + 9 });
      const [taken = pending(), failed = pending(), back = pending()] = await add(
        ...[pending(), pending(), pending()],
      );
      clock.advance(86_400_000);
      const begun = nextOf(taken, { handover: 'publishing', publishingAt: now() });
      const ended = nextOf(failed, {
        state: 'failed',
        times: { queued: failed.times.queued, failed: now() },
      });
      const refused = nextOf(back, { handover: 'publishing', publishingAt: now() });
      expect(await messages().replaceAll([begun, ended, refused])).toEqual([true, true, true]);
      expect(await replace(nextOf(refused, { handover: 'pending' }))).toBe(true);
      clock.advance(59_999);
      expect(await replace(nextOf(begun, { handover: 'accepted' }))).toBe(true);
      expect(await known([taken, failed, back])).toEqual([0, 1, 2]);
      clock.advance(1);
      expect(await known([taken, failed, back])).toEqual([2]);
      expect(await messages().count()).toEqual({ ...noMessages, queued: 1 });
    });

    test('counts no message that has expired, also behind an older one that has waited', async () => {
      const { clock } = given();
      const [waiting = messageOf(0)] = await add(messageOf(now(), { handover: 'pending' }));
      clock.advance(90_000);
      await add(...Array.from({ length: 5 }, () => messageOf(now())));
      clock.advance(10_000);
      await replace(nextOf(waiting, { handover: 'accepted', publishingAt: now() }));
      clock.advance(50_000);
      expect(await messages().count()).toEqual({ ...noMessages, queued: 1 });
      clock.advance(10_000);
      expect(await messages().count()).toEqual(noMessages);
    });
  });
}
