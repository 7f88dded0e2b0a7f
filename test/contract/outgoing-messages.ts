// What every store must do with outgoing messages and with the SMS that wait. Part of the suite in store.ts.

import { describe, expect, test } from 'vitest';
import type { MessageState, OutgoingMessage } from '../../src/domain/outgoing/message.ts';
import type { MessageFilters } from '../../src/domain/outgoing/ports.ts';
import { StoreFullError } from '../../src/domain/shared/store-full-error.ts';
import type { Store } from '../../src/domain/store.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { messageOf, nextOf, waitingSms } from '../support/outgoing-messages.ts';

const noMessages = { queued: 0, sent: 0, delivered: 0, failed: 0, expired: 0, cancelled: 0 };

export function outgoingMessageContract(
  given: () => { readonly store: Store; readonly clock: FakeClock },
): void {
  describe('outgoing messages', () => {
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
    const idsOf = (all: readonly OutgoingMessage[]) => all.map(({ id }) => id);
    const listed = async (filters: MessageFilters = {}, limit = 100) =>
      idsOf((await messages().list(filters, { limit })).messages);
    const known = async (all: readonly OutgoingMessage[]) => {
      const found = await messages().getAll(idsOf(all));
      return found.flatMap((each, at) => (each ? [at] : []));
    };
    const inState = (state: MessageState, at = now()) =>
      messageOf(at, { state, times: { queued: at, [state]: at } });

    test('returns a message as it was last written', async () => {
      const [plain, full] = await add(
        messageOf(now()),
        messageOf(now(), {
          ...{ state: 'failed', reason: 'é\n"', handover: 'unknown', encoding: 'UCS-2', parts: 3 },
          ...{ times: { queued: now(), sent: now() + 1.5, failed: now() + 2 } },
          ...{
            scheduledAt: 1,
            waitsUntil: 2,
            validUntil: 3,
            reviewAt: 4,
            sentParts: [2, 1],
            deliveredParts: [1],
          },
          ...{ unreported: ['sent', 'failed'], authId: '', uuid: ' \ud800:é', number: '', operatorName: '' },
        }),
      );
      expect(await messages().get(plain?.id ?? '')).toEqual(plain);
      expect(await messages().getDurable(plain?.id ?? '')).toEqual(plain);
      expect(await messages().get(full?.id ?? '')).toEqual(full);
      expect(await messages().get('7')).toBeUndefined();
      const some = ['7', full?.id ?? '', '8', plain?.id ?? ''];
      expect(await messages().getAll(some)).toEqual([undefined, full, undefined, plain]);
      expect(await messages().getAll([])).toEqual([]);
      if (!plain) return;
      const { callbacks: _, acceptedAt: __, ...bare } = nextOf(plain, { state: 'sent', reviewAt: 9 });
      expect(await replace(bare)).toBe(true);
      expect(await messages().get(plain.id)).toEqual(bare);
      expect(await messages().count()).toEqual({ ...noMessages, sent: 1, failed: 1 });
    });

    test('adds none whose id is taken, and returns those', async () => {
      const first = messageOf(now());
      const [same, other] = [messageOf(now(), { id: first.id, uuid: 'other' }), messageOf(now())];
      await add(first);
      expect(await messages().add([same, other])).toEqual([same]);
      expect(await messages().get(first.id)).toEqual(first);
      const races = [messageOf(now()), messageOf(now())].map((each) => ({ ...each, id: '77' }));
      const taken = await Promise.all(races.map((each) => messages().add([each])));
      expect(taken.flat()).toHaveLength(1);
      expect(await messages().add([])).toEqual([]);
      const [one, two] = [messageOf(now(), { id: '78' }), messageOf(now(), { id: '78' })];
      expect(await messages().add([one, two])).toEqual([two]);
      expect(await messages().get('78')).toEqual(one);
    });

    test('replaces a message only by its next revision, once', async () => {
      const [message = messageOf(0)] = await add(messageOf(now()));
      expect(await replace(message)).toBe(false);
      expect(await replace(nextOf(nextOf(message)))).toBe(false);
      const both = [nextOf(message, { state: 'sent' }), nextOf(message, { state: 'failed' })];
      expect(await Promise.all(both.map((each) => replace(each)))).toEqual([true, false]);
      expect(await messages().get(message.id)).toEqual(both[0]);
      expect(await replace(messageOf(now(), { revision: 1 }))).toBe(false);
    });

    test('replaces those of many messages whose revision fits', async () => {
      const all = await add(...Array.from({ length: 30 }, (_, index) => messageOf(now(), { index })));
      const changed = all.map((message, n) =>
        nextOf(n % 3 === 0 ? nextOf(message) : message, { reviewAt: n }),
      );
      const unknown = messageOf(now(), { revision: 1 });
      const fits = all.map((_, n) => n % 3 !== 0);
      expect(await messages().replaceAll([...changed, unknown])).toEqual([...fits, false]);
      const expected = all.map((message, n) => (fits[n] ? changed[n] : message));
      expect(await messages().getAll(idsOf(all))).toEqual(expected);
      expect(await messages().due(5, 9)).toEqual([1, 2, 4, 5].map((n) => all[n]?.id));
      expect(await messages().replaceAll([])).toEqual([]);
      // Each message has one of the two successors.
      const next = expected.flatMap((message) => message ?? []);
      const races = await Promise.all(
        [next, next.toReversed()].map(async (some, race) => {
          const successors = some.map((message) => nextOf(message, { reason: String(race) }));
          const replaced = await messages().replaceAll(successors);
          return successors.filter((_, n) => replaced[n]);
        }),
      );
      const winners = races.flat();
      expect(idsOf(winners).toSorted()).toEqual(idsOf(all).toSorted());
      expect(await messages().getAll(idsOf(winners))).toEqual(winners);
    });

    test('removes messages from all lists; removing missing ones changes nothing', async () => {
      const [a, b] = await add(messageOf(now(), { reviewAt: 5 }), messageOf(now(), { reviewAt: 6 }));
      await messages().remove([a?.id ?? '', '7']);
      await messages().remove([a?.id ?? '']);
      await messages().remove([]);
      expect(await listed()).toEqual([b?.id]);
      expect(await messages().due(9, 9)).toEqual([b?.id]);
      expect(idsOf(await messages().ofRequest('dev', b?.uuid ?? '', 9))).toEqual([b?.id]);
      expect(await messages().count()).toEqual({ ...noMessages, queued: 1 });
      // The id is free again.
      await add(messageOf(now(), { id: a?.id ?? '' }));
    });

    test('finds the messages of a request in their order, and those of earlier requests with its uuid', async () => {
      const of = (index: number, at: number) => messageOf(at, { uuid: 'u:é', index });
      const [early, later] = [
        [of(1, now()), of(0, now())],
        [of(10, now() + 1), of(9, now() + 1), of(2, now() + 1)],
      ];
      await add(...later, ...early);
      await add(messageOf(now(), { uuid: 'u' }), messageOf(now(), { uuid: 'u:é', authId: 'other' }));
      const found = await messages().ofRequest('dev', 'u:é', 9);
      expect(found).toEqual([...early.toReversed(), ...later.toReversed()]);
      expect(await messages().ofRequest('dev', 'u:é', 2)).toEqual(early.toReversed());
      expect(await messages().ofRequest('dev', 'u:é', 0)).toEqual([]);
      expect(await messages().ofRequest('de', 'v', 9)).toEqual([]);
    });

    test('pages through all messages of all states, the newest first, each once', async () => {
      const states: readonly MessageState[] = ['queued', 'delivered', 'sent'];
      const offsets = [5, 1, 9, 3, 3, 2, 8, 0, 4, 6, 7, 3];
      const all = await add(...offsets.map((offset, n) => inState(states[n % 3] ?? 'sent', now() + offset)));
      const newestFirst = all.toSorted((a, b) => b.times.queued - a.times.queued || (a.id < b.id ? 1 : -1));
      for (const limit of [1, 5, 12]) {
        const found: string[] = [];
        let before: string | undefined;
        do {
          const page = await messages().list({}, { limit, ...(before !== undefined && { before }) });
          found.push(...idsOf(page.messages));
          before = page.next;
          // What arrives meanwhile is on no later page.
          if (found.length === limit) await replace(nextOf(all[2] ?? messageOf(0)));
        } while (before !== undefined);
        expect(found).toEqual(idsOf(newestFirst));
      }
    });

    test('filters by developer, request, number, operator, state and time', async () => {
      const [a, b, c, d] = await add(
        messageOf(now(), { authId: 'other' }),
        messageOf(now() + 1, { uuid: 'u', operatorName: 'Orange' }),
        messageOf(now() + 2, { number: '+237650000002', uuid: 'u' }),
        inState('cancelled', now() + 3),
      );
      expect(await listed({ authId: 'other' })).toEqual([a?.id]);
      expect(await listed({ uuid: 'u' })).toEqual([c?.id, b?.id]);
      expect(await listed({ uuid: 'u', operatorName: 'Orange' })).toEqual([b?.id]);
      expect(await listed({ number: '+237650000002' })).toEqual([c?.id]);
      expect(await listed({ state: 'cancelled' })).toEqual([d?.id]);
      expect(await listed({ since: now() + 2 })).toEqual([d?.id, c?.id]);
      expect(await messages().list({ uuid: 'u' }, { limit: 1 })).toMatchObject({ next: expect.any(String) });
    });

    test('lists the messages that are to be reviewed, the earliest first', async () => {
      expect(await messages().nextReviewAt()).toBeUndefined();
      const at = (reviewAt: number) => messageOf(now(), { reviewAt });
      const [late, early, middle] = await add(at(30.5), at(10), at(20), messageOf(now()));
      expect(await messages().nextReviewAt()).toBe(10);
      expect(await messages().due(9, 9)).toEqual([]);
      expect(await messages().due(20, 9)).toEqual([early?.id, middle?.id]);
      expect(await messages().due(99, 2)).toEqual([early?.id, middle?.id]);
      expect(await messages().due(99, 0)).toEqual([]);
      if (!early || !middle) return;
      await replace(nextOf(early, { reviewAt: 40 }));
      const { reviewAt: _, ...done } = nextOf(middle);
      await replace(done);
      expect(await messages().nextReviewAt()).toBe(30.5);
      expect(await messages().due(99, 9)).toEqual([late?.id, early.id]);
    });

    test('evicts the oldest final messages, then the oldest, and last those that wait', async () => {
      const waiting = await add(
        ...[0, 1].map((n) => messageOf(now() + n, { handover: 'pending', reviewAt: n })),
      );
      const open = await add(...[2, 3, 4].map((n) => messageOf(now() + n)));
      const final = await add(
        ...['delivered', 'failed', 'expired'].map((state, n) =>
          inState(state as MessageState, now() + 5 + n),
        ),
      );
      const more = (count: number, from: number, changes: Partial<OutgoingMessage> = {}) =>
        add(...Array.from({ length: count }, (_, n) => messageOf(now() + from + n, changes)));
      await more(23, 10);
      expect([await known(waiting), await known(open), await known(final)]).toEqual([
        [0, 1],
        [0, 1, 2],
        [1, 2],
      ]);
      await more(4, 100);
      expect([await known(waiting), await known(open), await known(final)]).toEqual([[0, 1], [2], []]);
      await more(30, 200, { handover: 'pending' });
      expect([await known(waiting), await known(open)]).toEqual([[], []]);
      expect(await messages().count()).toEqual({ ...noMessages, queued: 30 });
      expect(await messages().due(99, 9)).toEqual([]);
      expect(await messages().nextReviewAt()).toBeUndefined();
      expect(await listed()).toHaveLength(30);
    });

    test('adds and replaces 1,000 together', async () => {
      const all = Array.from({ length: 1_000 }, (_, index) => messageOf(now(), { index }));
      expect(await messages().add(all)).toEqual([]);
      const isKept = (n: number) => n >= 970;
      const replaced = await messages().replaceAll(all.map((message) => nextOf(message)));
      expect(replaced).toEqual(all.map((_, n) => isKept(n)));
      expect(idsOf(await messages().ofRequest('dev', all[0]?.uuid ?? '', 100))).toEqual(
        idsOf(all.slice(-30)),
      );
    });
  });

  describe('outgoing SMS that wait', () => {
    test('are an outbox of their own, with a maximum', async () => {
      const { store } = given();
      const outbox = store.waitingSms;
      await outbox.put(waitingSms);
      expect(await outbox.get(waitingSms.id)).toEqual(waitingSms);
      expect(await store.callbacks.count()).toEqual({ waiting: 0, deadLetters: 0 });
      for (const id of ['2', '3', '4', '5']) await outbox.put({ ...waitingSms, id, orderKey: 'dev é' });
      const sixth = outbox.put({ ...waitingSms, id: '6' });
      await expect(sixth).rejects.toBeInstanceOf(StoreFullError);
      await expect(sixth).rejects.toThrow('[outgoing] max_waiting');
      expect(await outbox.claim(waitingSms.dueAt ?? 0, 9)).toEqual(['1000000000', '2']);
      expect(await outbox.settle('2', undefined)).toBe(true);
      expect((await outbox.waitingOf('dev é', 9)).map(({ id }) => id)).toEqual(['3', '4', '5']);
    });
  });
}
