// SMS that wait for rate limits and quiet hours: when they are sent, in which order, and what their developer learns.

import { describe, expect, test, vi } from 'vitest';
import type { OutgoingMessage } from '../../../src/domain/outgoing/message.ts';
import type { OutgoingSms } from '../../../src/domain/outgoing/model.ts';
import type { SendRequest } from '../../../src/domain/outgoing/outgoing.ts';
import { createPacing } from '../../../src/domain/outgoing/pacing.ts';
import { createWaitingQueue } from '../../../src/domain/outgoing/waiting-sms.ts';
import type { Store } from '../../../src/domain/store.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';
import {
  context,
  createFixture,
  errorsIn,
  request,
  sentResult,
  sms,
  unavailable,
} from './outgoing-fixture.ts';

type Fixture = ReturnType<typeof createFixture>;
const second = 1_000;
const minute = 60_000;
const hour = 3_600_000;
const day = 86_400_000;

function startFixture(options: Parameters<typeof createFixture>[0]): Fixture {
  const fixture = createFixture(options);
  fixture.messages.start();
  fixture.waiting?.start();
  return fixture;
}

const texts = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => ({ ...sms, text: `text ${from + index}` }));

async function send({ outgoing }: Fixture, more: Partial<SendRequest>) {
  const response = await outgoing.send({ ...request, ...more }, context);
  const { messages } = JSON.parse(response.body);
  return { messages, errors: errorsIn(response) };
}

const sentTexts = ({ broker }: Fixture): string[] => broker.send.mock.calls.map(([{ text }]) => text);
const waitsOf = (messages: readonly { waits_until?: string }[], { clock }: Fixture): number[] =>
  messages.map(({ waits_until }) => waits_until && Date.parse(waits_until) - clock.now()).map(Number);

/** Advances by one second at a time, each after the queue has done what was due. */
async function pass({ clock, waiting }: Fixture, ms: number, step = second): Promise<void> {
  for (let passed = 0; passed < ms; passed += step) {
    clock.advance(step);
    for (let turn = 0; turn < 30; turn++) await waiting?.idle();
  }
}

describe('a rate', () => {
  test('lets SMS wait in order, and the response says how long', async () => {
    const fixture = startFixture({ pace: { rate: { count: 2, windowMs: 10 * second } } });
    const { messages, errors } = await send(fixture, { data: texts(5) });
    expect(errors).toEqual([]);
    expect(sentTexts(fixture)).toEqual(['text 1', 'text 2']);
    expect(waitsOf(messages, fixture)).toEqual([Number.NaN, Number.NaN, 10_000, 10_000, 20_000]);
    const { messages: more } = await send(fixture, { data: texts(2, 6) });
    expect(waitsOf(more, fixture)).toEqual([20_000, 30_000]);
    await pass(fixture, 9 * second);
    expect(sentTexts(fixture)).toHaveLength(2);
    await pass(fixture, 2 * second);
    expect(sentTexts(fixture)).toHaveLength(4);
    await pass(fixture, 30 * second);
    expect(sentTexts(fixture)).toEqual([1, 2, 3, 4, 5, 6, 7].map((n) => `text ${n}`));
    expect(await fixture.store.waitingSms.count()).toMatchObject({ waiting: 0 });
  });

  test('is counted for each operator and SIM', async () => {
    const fixture = startFixture({ pace: { rate: { count: 1, windowMs: minute } } });
    const data = [sms, { ...sms, sid: '2' }, { ...sms, operator_name: 'Orange' }, sms];
    const { messages } = await send(fixture, { data });
    expect(fixture.broker.send).toHaveBeenCalledTimes(3);
    expect(messages[3]).toHaveProperty('waits_until');
  });

  test('counts only what the broker took, so that an outage costs nothing', async () => {
    const fixture = startFixture({ pace: { daily: { count: 2, windowMs: day } } });
    fixture.broker.send.mockRejectedValueOnce(unavailable).mockResolvedValueOnce({ kind: 'unroutable' });
    await send(fixture, { data: [sms] });
    await send(fixture, { data: [sms] });
    const { messages } = await send(fixture, { data: texts(3) });
    expect(sentTexts(fixture).slice(2)).toEqual(['text 1', 'text 2']);
    expect(messages[2]).toHaveProperty('waits_until');
    fixture.broker.send.mockRejectedValueOnce(unavailable).mockRejectedValueOnce(unavailable);
    await pass(fixture, day + 10 * minute, minute);
    expect(sentTexts(fixture).filter((text) => text === 'text 3')).toHaveLength(3);
    const { messages: next } = await send(fixture, { data: texts(2) });
    expect(next.map((each: object) => 'waits_until' in each)).toEqual([false, true]);
  });

  test.each([
    ['its messages', ({ messages }: Store) => vi.spyOn(messages, 'add').mockRejectedValue(unavailable)],
    [
      'its progress',
      ({ responses }: Store) => {
        const { replace } = responses;
        return vi.spyOn(responses, 'replace').mockRejectedValue(unavailable).mockImplementationOnce(replace);
      },
    ],
    [
      'a count',
      ({ waitingSms }: Store) =>
        vi.spyOn(waitingSms, 'countOf').mockRejectedValue(unavailable).mockResolvedValueOnce(0),
    ],
  ])('does not count a request of which %s cannot be stored or read', async (_what, fail) => {
    const fixture = startFixture({ pace: { daily: { count: 3, windowMs: day } } });
    const repeated = { data: [sms, { ...sms, sid: '2' }], idempotencyKey: 'one' };
    for (let n = 0; n < 4; n++) {
      const failing = fail(fixture.store);
      await expect(send(fixture, repeated)).rejects.toBe(unavailable);
      failing.mockRestore();
    }
    await send(fixture, repeated);
    expect(fixture.broker.send).toHaveBeenCalledTimes(2);
  });

  test('and a cap for the day are forecast from what they have counted already', async () => {
    const pace = { rate: { count: 2, windowMs: minute }, daily: { count: 9, windowMs: day } };
    const fixture = startFixture({ pace });
    await send(fixture, { data: texts(2) });
    await pass(fixture, minute);
    const { messages } = await send(fixture, { data: texts(9, 3) });
    const waits = waitsOf(messages, fixture).map((ms) => ms / minute);
    expect(waits).toEqual([Number.NaN, Number.NaN, 1, 1, 2, 2, 3, 1_439, 1_439]);
    await pass(fixture, 4 * minute);
    expect(sentTexts(fixture)).toHaveLength(9);
  });

  test('makes an SMS that would wait over a month an error of its recipient', async () => {
    const fixture = startFixture({ pace: { daily: { count: 1, windowMs: day } } });
    const { errors } = await send(fixture, { data: texts(34) });
    expect(errors).toHaveLength(2);
    expect(errors[0]?.error_message).toContain('over 31 days');
    expect(await fixture.store.waitingSms.count()).toMatchObject({ waiting: 31 });
  });
});

describe('quiet hours', () => {
  const quiet = [
    { from: 22 * 60, to: 6 * 60, timeZone: 'Africa/Douala' },
    { operatorName: 'Orange', from: 0, to: 60, timeZone: 'UTC' },
  ];
  /** The clock of the fixture shows 11:02 UTC. */
  const untilQuiet = Date.parse('2022-03-25T21:00:00Z');

  test('let SMS wait until they end, of the named operator or of all others', async () => {
    const fixture = startFixture({ pace: { quiet } });
    await send(fixture, { data: texts(1) });
    expect(sentTexts(fixture)).toEqual(['text 1']);
    fixture.clock.leap(untilQuiet - fixture.clock.now());
    const data = [...texts(2, 2), { ...sms, operator_name: 'orange', text: 'other' }];
    const { messages } = await send(fixture, { data });
    expect(sentTexts(fixture)).toEqual(['text 1', 'other']);
    expect(messages[0].waits_until).toBe('2022-03-26T05:00:00.000Z');
    expect(messages[1].waits_until).toBe('2022-03-26T05:00:00.000Z');
    await pass(fixture, 8 * hour - 10 * minute, 10 * minute);
    expect(sentTexts(fixture)).toHaveLength(2);
    await pass(fixture, 11 * minute, minute);
    expect(sentTexts(fixture).slice(2)).toEqual(['text 2', 'text 3']);
  });

  test('interrupt the forecast of a rate', async () => {
    const fixture = startFixture({ pace: { quiet, rate: { count: 1, windowMs: hour } } });
    fixture.clock.leap(untilQuiet - fixture.clock.now() - 90 * minute);
    const { messages } = await send(fixture, { data: texts(4) });
    expect(messages.map(({ waits_until }: { waits_until?: string }) => waits_until)).toEqual([
      undefined,
      '2022-03-25T20:30:00.000Z',
      '2022-03-26T05:30:00.000Z',
      '2022-03-26T06:30:00.000Z',
    ]);
  });

  test('hold back an SMS whose schedule ends in them', async () => {
    const fixture = startFixture({ pace: { quiet } });
    await send(fixture, { scheduledAt: untilQuiet + hour });
    await pass(fixture, untilQuiet + 2 * hour - fixture.clock.now(), 10 * minute);
    expect(fixture.broker.send).not.toHaveBeenCalled();
    expect(fixture.waiting?.oldestWaitMs()).toBeGreaterThan(0);
    await pass(fixture, 7 * hour, 10 * minute);
    expect(fixture.broker.send).toHaveBeenCalledTimes(1);
    expect(fixture.waiting?.oldestWaitMs()).toBe(0);
  });
});

test('a developer cannot use the places of all: the SMS that find none are errors of their recipients', async () => {
  const fixture = startFixture({ maxPerDeveloper: 3, pace: { rate: { count: 1, windowMs: minute } } });
  const { messages, errors } = await send(fixture, { data: texts(6) });
  expect(errors).toHaveLength(2);
  expect(errors[0]?.error_message).toContain('too many of your SMS wait');
  expect(messages.map(({ state }: { state: string }) => state)).toEqual([
    ...['queued', 'queued', 'queued', 'queued'],
    ...['failed', 'failed'],
  ]);
  // Scheduled ones count, too.
  expect((await send(fixture, { scheduledAt: fixture.clock.now() + day })).errors).toHaveLength(1);
  await pass(fixture, 2 * minute, 10 * second);
  expect((await send(fixture, { scheduledAt: fixture.clock.now() + day })).errors).toEqual([]);
});

test('with 10,000 SMS waiting, only the first of the queue asks', async () => {
  const clock = createFakeClock();
  const store = createMemoryStore({ ...storeOptions(clock), waitingSms: { max: 10_000 } });
  const consume = vi.spyOn(store.limits, 'consume');
  const claim = vi.spyOn(store.waitingSms, 'claim');
  const pacing = createPacing({
    ...{ rate: { count: 20, windowMs: minute }, daily: 'off', quiet: [] },
    ...{ limits: store.limits, clock },
  });
  const send = vi.fn(async (_: OutgoingSms) => sentResult);
  // Safe cast: the queue reads and changes these members alone.
  const message = { state: 'queued', handover: 'pending' } as OutgoingMessage;
  const waiting = createWaitingQueue({
    store: store.waitingSms,
    broker: { send, close: async () => 0 },
    messages: { change: async (_, change) => change(message, clock.now()) },
    pacing,
    maxPerDeveloper: 10_000,
    clock,
    log: createMemoryLog(),
    random: () => 1,
    pollIntervalMs: undefined,
  });
  const { number, text, operator_name: operatorName } = sms;
  const waitingSms = {
    authId: 'dev1',
    operatorName,
    number,
    text,
    callingCode: '237',
    networkCodes: [],
    sid: '1',
  };
  for (let id = 0; id < 10_000; id++)
    await waiting.append(String(id), { ...waitingSms, messageId: String(id) });
  waiting.start();
  for (let minutes = 0; minutes < 3; minutes++) {
    for (let turn = 0; turn < 200; turn++) await waiting.idle();
    expect(send).toHaveBeenCalledTimes(20 * (minutes + 1));
    clock.advance(minute);
  }
  // In each window 20 that are admitted, and one that has to wait.
  expect(consume.mock.calls.length).toBeLessThanOrEqual(3 * 21 * 2 + 2);
  expect(claim.mock.calls.length).toBeLessThanOrEqual(4 * 21 * 2);
  expect(send.mock.calls.map(([{ messageId }]) => messageId)).toEqual(
    Array.from({ length: 60 }, (_, n) => String(n)),
  );
  waiting.stop();
});
