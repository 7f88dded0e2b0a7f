import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMatcher } from '../../../src/domain/inbound/message-query.ts';
import { createMessageSearch } from '../../../src/domain/inbound/message-search.ts';
import { createRecentMessages } from '../../../src/domain/inbound/recent-messages.ts';
import { createTools, numberOf, page } from './message-tools-fixture.ts';
import { down, msisdn, rejected, sms, unanswered } from './publishing-fixture.ts';

describe('a search', () => {
  test('finds a message by its id and by the start of it, in whatever state it is', async () => {
    const { search, receive, receiveSome } = await createTools();
    const { id: published } = await receive(sms());
    const [waiting = ''] = await receiveSome(1, down);
    const { id: refused } = await receive('an ordinary SMS');
    for (const [id, state] of [
      [published, 'published'],
      [waiting, 'waiting'],
      [refused, 'refused'],
    ] as const) {
      expect((await search.find({ text: id }, page)).messages).toMatchObject([{ id, state }]);
      expect((await search.find({ text: id.slice(0, 12) }, page)).messages).toMatchObject([{ id, state }]);
    }
    expect(await search.find({ text: 'f'.repeat(32) }, page)).toMatchObject({ messages: [], total: 0 });
  });

  test.each(['+237650393369', '00237 650 39 33 69', '+237 (650) 393-369', '650393369', '3933'])(
    'finds the messages of a number that is written as %s, whatever became of them',
    async (text) => {
      const { search, receive, receiveSome } = await createTools();
      await receive(sms());
      await receiveSome(1, down);
      await receiveSome(1, rejected);
      await receive(sms(), '+237650000001');
      const { messages, total } = await search.find({ text }, page);
      expect(messages.map(({ state }) => state).sort()).toEqual(['dead-lettered', 'published', 'waiting']);
      expect(total).toBe(3);
    },
  );

  test('finds refused ones with their reason and the remedy', async () => {
    const { search, receive } = await createTools();
    await receive(sms(), '+237650000001');
    const { messages } = await search.find({ text: '+237650000001', state: 'refused' }, page);
    expect(messages).toMatchObject([
      { reason: 'unknown number', remedy: expect.stringContaining('register') },
    ]);
  });

  test('shows dead letters newest first and waiting messages as they are due, a page at a time', async () => {
    const { search, receiveSome } = await createTools();
    const dead = await receiveSome(5, rejected);
    const first = await search.find({ state: 'dead-lettered' }, { offset: 0, limit: 2 });
    const last = await search.find({ state: 'dead-lettered' }, { offset: 4, limit: 2 });
    expect(first.total).toBe(5);
    expect(first.messages.map(({ id }) => id)).toEqual(dead.slice(3).reverse());
    expect(last.messages.map(({ id }) => id)).toEqual(dead.slice(0, 1));
    const waiting = await receiveSome(3, down);
    const { messages } = await search.find({ state: 'waiting' }, page);
    expect(messages.map(({ id }) => id)).toEqual(waiting);
    expect((await search.find({ state: 'waiting' }, { offset: 9, limit: 2 })).messages).toEqual([]);
  });

  test('narrows by state and by the time of arrival', async () => {
    const { search, receiveSome, clock } = await createTools();
    await receiveSome(1, rejected);
    await receiveSome(1, unanswered);
    clock.advance(60_000);
    const from = clock.now();
    const [late] = await receiveSome(1, rejected);
    expect((await search.find({ from }, page)).messages.map(({ id }) => id)).toEqual([late]);
    expect((await search.find({ to: from - 1 }, page)).total).toBe(2);
    const published = await search.find({ state: 'published' }, page);
    expect(published.total).toBe(0);
  });

  test('reads a bounded number of entries, and reports how many', async () => {
    const { search, store, memories } = await createTools();
    let read = 0;
    const many = createMessageSearch({
      store: {
        inbound: {
          ...store.inbound,
          count: async () => ({ waiting: 100_000, deadLetters: 0 }),
          deadLetters: async () => [],
          waiting: async (limit, offset = 0) => {
            read += limit;
            return Array.from({ length: limit }, (_, n) => ({
              id: String(offset + n).padStart(32, '0'),
              content: {
                platform: 'gateway-client',
                msisdn: `+23765${String(offset + n).padStart(7, '0')}`,
                text: '',
              },
              ...{ since: 0, dueAt: 0, attempts: 1, history: [{ at: offset + n, event: 'received' }] },
            }));
          },
        },
      },
      admin: { trace: async () => Promise.reject(new Error('unknown')) },
      memories,
      ...{ numberOf, clock: { monotonic: () => 0 } },
    });
    const { messages, searched } = await many.find({ text: '650001999', state: 'waiting' }, page);
    expect(messages).toHaveLength(1);
    expect(searched).toEqual({ read: 2_000, of: 100_000 });
    expect(read).toBe(2_000);
    expect((await many.find({ text: '650001998' }, page)).messages).toHaveLength(1);
    expect(read).toBe(2_000);
    expect((await search.find({}, page)).searched).toBeUndefined();
  });
});

test('a matcher accepts every text, and finds each number by each way to write it', () => {
  const any = { id: 'a'.repeat(32), msisdn, arrivedAt: 5 };
  fc.assert(
    fc.property(fc.string({ maxLength: 100 }), (text) => {
      createMatcher({ text }, numberOf).matches(any);
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.constantFrom(' ', '-', '.', ''), { minLength: 12, maxLength: 12 }), (between) => {
      const text = [...'237650393369'].map((digit, index) => `${digit}${between[index]}`).join('');
      expect(createMatcher({ text: `+${text}` }, numberOf).matches(any)).toBe(true);
    }),
  );
});

test.each(['-', ' . ', '()', '/'])('%j, which is no part of a number, matches none', (text) => {
  const { matches } = createMatcher({ text }, numberOf);
  expect(matches({ id: 'a'.repeat(32), msisdn, arrivedAt: 5 })).toBe(false);
});

test('a matcher of a filter without text, bounds or state is open', () => {
  expect(createMatcher({ state: 'waiting' }, numberOf).isOpen).toBe(true);
  expect(createMatcher({ text: 'a' }, numberOf).isOpen).toBe(false);
  expect(createMatcher({ to: 5 }, numberOf).isOpen).toBe(false);
});

test('the log of recent messages keeps the newest 2,000', () => {
  const recent = createRecentMessages({ now: () => 1 }, (sender) => sender);
  for (let n = 0; n < 2_100; n++) recent.add(`${n}`, { platform: 'twilio', msisdn });
  recent.add('150', { platform: 'twilio', msisdn });
  expect(recent.list()).toHaveLength(2_000);
  expect(recent.list()[0]?.id).toBe('150');
  expect(recent.isFull).toBe(true);
});
