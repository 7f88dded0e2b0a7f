// Outgoing messages as operators see them: requests with their progress, today's counts, one message as a timeline.

import { expect, test } from 'vitest';
import type { OutgoingMessage } from '../../../src/domain/outgoing/message.ts';
import { stepsOf } from '../../../src/domain/outgoing/message-history.ts';
import { createMessageOverview } from '../../../src/domain/outgoing/message-overview.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { messageOf } from '../../support/outgoing-messages.ts';

const noon = Date.UTC(2026, 4, 4, 12);
const minute = 60_000;
const none = { queued: 0, sent: 0, delivered: 0, failed: 0, expired: 0, cancelled: 0 };
const inState = (
  state: OutgoingMessage['state'],
  queued: number,
  changes: Partial<OutgoingMessage> = {},
): OutgoingMessage =>
  messageOf(queued, {
    state,
    times: { queued, ...(state !== 'queued' && { [state]: queued + 9 }) },
    ...changes,
  });

async function overviewOf(messages: readonly OutgoingMessage[]) {
  const clock = createFakeClock(noon);
  const options = { ...storeOptions(clock), messages: { ttlMs: 90 * 86_400_000, max: 100_000 } };
  const store = createMemoryStore(options);
  await store.messages.add(messages);
  return { clock, store, overview: createMessageOverview(store.messages, clock) };
}

test('lists requests with their progress, and those that have a message that matches', async () => {
  const { overview } = await overviewOf([
    inState('delivered', noon - 9, { uuid: 'a' }),
    inState('failed', noon - 8, { uuid: 'a', number: '+33612345678' }),
    inState('queued', noon - 7, { uuid: 'a', authId: 'other', handover: 'pending' }),
    inState('queued', noon - 6, { uuid: 'b' }),
  ]);
  const { requests, next } = await overview.requests({});
  expect(next).toBeUndefined();
  expect(requests).toEqual([
    { authId: 'dev', uuid: 'b', at: noon - 6, pending: 0, states: { ...none, queued: 1 } },
    { authId: 'other', uuid: 'a', at: noon - 7, pending: 1, states: { ...none, queued: 1 } },
    { authId: 'dev', uuid: 'a', at: noon - 9, pending: 0, states: { ...none, delivered: 1, failed: 1 } },
  ]);
  const found = await overview.requests({ number: '+33612345678', state: 'failed' });
  expect(found.requests).toMatchObject([{ uuid: 'a', states: { delivered: 1, failed: 1 } }]);
  expect((await overview.requests({ state: 'delivered', number: '+33612345678' })).requests).toEqual([]);
  expect((await overview.requests({ authId: 'other', uuid: 'b' })).requests).toEqual([]);
});

test('pages hold every request once or, where a page cuts it, twice with all its messages', async () => {
  const messages = Array.from({ length: 1_200 }, (_, n) =>
    inState('sent', noon - 2_000 + n, { uuid: `r${Math.floor(n / 9)}`, index: n % 9 }),
  );
  const { overview } = await overviewOf(messages);
  const seen: string[] = [];
  let before: string | undefined;
  for (let page = 0; page < 10; page++) {
    const { requests, next } = await overview.requests({}, before);
    for (const { uuid, states } of requests) {
      expect(states.sent, uuid).toBe(uuid === 'r133' ? 3 : 9);
      if (seen.at(-1) !== uuid) seen.push(uuid);
    }
    before = next;
    if (before === undefined) break;
  }
  expect(seen).toEqual(Array.from({ length: 134 }, (_, n) => `r${133 - n}`));
});

test('counts the messages of today by operator, and is read once in ten seconds', async () => {
  const { overview, store, clock } = await overviewOf([
    inState('delivered', noon - 13 * 60 * minute),
    inState('delivered', noon - 2),
    inState('sent', noon - 1),
    inState('failed', noon - 1, { operatorName: '' }),
  ]);
  const today = await overview.today();
  expect(today).toEqual({
    since: noon - 12 * 60 * minute,
    states: { ...none, delivered: 1, sent: 1, failed: 1 },
    operators: [
      { operator: 'MTN Cameroon', states: { ...none, delivered: 1, sent: 1 } },
      { operator: '', states: { ...none, failed: 1 } },
    ],
    overdue: { count: 0, minutes: 10 },
  });
  await store.messages.add([inState('expired', noon)]);
  expect(await overview.today()).toBe(today);
  clock.advance(10_000);
  expect((await overview.today()).states.expired).toBe(1);
});

test('messages are overdue only where phones report', async () => {
  const old = noon - 11 * minute;
  const { overview } = await overviewOf([
    inState('queued', old),
    inState('queued', old),
    inState('queued', noon - 9 * minute),
    inState('queued', old, { handover: 'pending' }),
    inState('sent', old),
    inState('queued', old, { authId: 'silent' }),
  ]);
  expect((await overview.today()).overdue.count).toBe(2);
});

test('a timeline says what happened, what the message waits for, and which callbacks do', () => {
  const eventsOf = (message: OutgoingMessage, ...waiting: Parameters<typeof stepsOf>[1]) =>
    stepsOf(message, waiting).map(({ event, at, details }) => [event, at, ...details]);
  const times = { queued: 1_000, sent: 3_000, failed: 4_000 };
  expect(
    eventsOf(messageOf(1_000, { state: 'failed', times, reason: 'no credit', parts: 2 }), 'failed'),
  ).toEqual([
    ['requested by dev', 1_000, 'GSM-7, 2 parts'],
    ['RabbitMQ has it, in the queue of a phone', 1_005],
    ['a phone has sent it', 3_000],
    ['failed', 4_000, 'no credit'],
    ['callbacks wait: failed', undefined, 'to one URL of the developer'],
  ]);
  const scheduled = {
    handover: 'pending',
    scheduledAt: 9_000,
    waitsUntil: 9_000,
    validUntil: 12_000,
  } as const;
  expect(eventsOf(messageOf(1_000, scheduled)).slice(1)).toEqual([
    ['waits in swob until', 9_000, 'the developer chose this time'],
    ['valid until', 12_000],
  ]);
  expect(eventsOf(messageOf(1_000, { ...scheduled, waitsUntil: 10_000 }))[1]).toEqual([
    'waits in swob until',
    10_000,
    'for a rate limit or quiet hours',
  ]);
  expect(eventsOf(messageOf(1_000, { handover: 'pending' }))[1]).toEqual([
    'waits in swob',
    undefined,
    'for RabbitMQ',
  ]);
  expect(eventsOf(messageOf(1_000, { handover: 'unknown', publishingAt: 1_002 }))[1]).toEqual([
    'handed to RabbitMQ, which did not confirm it',
    1_002,
    'it may have been sent, and is never sent again',
  ]);
  expect(eventsOf(messageOf(1_000, { parts: 3, sentParts: [1, 3], deliveredParts: [1] })).at(-1)).toEqual([
    'reported in part',
    undefined,
    '2 of 3 parts sent',
    '1 of 3 parts delivered',
  ]);
  expect(eventsOf(messageOf(1_000)).at(-1)?.[0]).toBe('no phone has reported on it');
});
