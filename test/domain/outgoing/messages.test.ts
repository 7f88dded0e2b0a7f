// What becomes of outgoing messages after their request: reports of phones, schedules, validity, callbacks about states.

import { describe, expect, test, vi } from 'vitest';
import { createDeveloperCallbacks } from '../../../src/domain/outgoing/developer-callbacks.ts';
import { applyReport, type PhoneReport } from '../../../src/domain/outgoing/message.ts';
import { createMessageLog } from '../../../src/domain/outgoing/message-log.ts';
import type { SendRequest } from '../../../src/domain/outgoing/outgoing.ts';
import type { OutboxEntry } from '../../../src/domain/shared/model.ts';
import { createMemoryLog } from '../../support/log.ts';
import { context, createFixture, request, sentResult, sms, unavailable } from './outgoing-fixture.ts';
import { reportGraceMs } from './outgoing-parts.ts';

type Fixture = ReturnType<typeof createFixture>;
const minute = 60_000;
const day = 86_400_000;

function startFixture(): Fixture {
  const fixture = createFixture();
  fixture.messages.start();
  fixture.waiting?.start();
  return fixture;
}

/** Sends one SMS, and returns its message id. */
async function sendOne({ outgoing }: Fixture, more: Partial<SendRequest> = {}): Promise<string> {
  const { body } = await outgoing.send({ ...request, ...more }, context);
  return JSON.parse(body).messages[0].id;
}

/** The log of another process, which reviews too. */
function createOtherLog({ store, clock }: Fixture) {
  const callbacks = createDeveloperCallbacks({
    outbox: { add: async (id, content) => store.callbacks.put(createEntry(id, content)) },
    store: store.callbacks,
    maxPerDeveloper: 100,
  });
  const log = createMessageLog({
    store: store.messages,
    callbacks,
    clock,
    log: createMemoryLog(),
    newId: () => '1',
    reportGraceMs,
  });
  log.start();
  return log;
}

const createEntry = <T>(id: string, content: T): OutboxEntry<T> => ({
  id,
  content,
  since: 0,
  dueAt: null,
  attempts: 0,
  history: [],
});

const report = ({ messages }: Fixture, id: string, given: PhoneReport) =>
  messages.change(id, (message, now) => applyReport(message, given, now));

/** Runs reviews until the assertion holds. */
const eventually = ({ clock }: Fixture, assertion: () => unknown) =>
  vi.waitFor(async () => {
    clock.advance(1_000);
    await assertion();
  });

const events = ({ called }: Fixture): string[] => called.map(({ body }) => JSON.parse(body).type ?? 'result');

describe('a schedule', () => {
  test('keeps an SMS until its time, and sends it then', async () => {
    const fixture = startFixture();
    const { broker, clock, store } = fixture;
    const id = await sendOne(fixture, { scheduledAt: clock.now() + 3 * day });
    expect(await store.messages.get(id)).toMatchObject({ state: 'queued', handover: 'pending' });
    clock.advance(3 * day - 1);
    expect(broker.send).not.toHaveBeenCalled();
    clock.advance(minute);
    await vi.waitFor(() => expect(broker.send).toHaveBeenCalledTimes(1));
    expect(broker.send.mock.calls).toMatchObject([[{ text: 'hello', messageId: id }]]);
    await vi.waitFor(async () =>
      expect(await store.messages.get(id)).toMatchObject({ handover: 'accepted' }),
    );
    expect(await store.waitingSms.count()).toEqual({ waiting: 0, deadLetters: 0 });
  });

  test('holds when the clock is set back, and waits for a broker that is away', async () => {
    const fixture = startFixture();
    const { broker, clock, store } = fixture;
    broker.send.mockRejectedValueOnce(unavailable);
    const id = await sendOne(fixture, { scheduledAt: clock.now() + day });
    clock.setWall(clock.now() - 2 * day);
    clock.advance(2 * day);
    expect(broker.send).not.toHaveBeenCalled();
    clock.advance(2 * day);
    await vi.waitFor(() => expect(broker.send).toHaveBeenCalledTimes(1));
    await vi.waitFor(async () => expect(await store.messages.get(id)).toMatchObject({ handover: 'pending' }));
    clock.advance(minute);
    await vi.waitFor(() => expect(broker.send).toHaveBeenCalledTimes(2));
  });

  test('over a month ahead, and validity that ends before it, are errors', async () => {
    const { outgoing, clock } = startFixture();
    const send = (more: Partial<SendRequest>) => outgoing.send({ ...request, ...more }, context);
    const later = clock.now() + day;
    await expect(send({ scheduledAt: clock.now() + 32 * day })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(send({ scheduledAt: later, validUntil: later })).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
    await expect(send({ validUntil: later, ttlMs: 1_000 })).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });
});

describe('validity', () => {
  test('an SMS that no phone reports expires after the grace for reports, once', async () => {
    const fixture = startFixture();
    const { clock, store, broker } = fixture;
    const id = await sendOne(fixture, {
      ttlMs: 2 * 60 * minute,
      callbackUrl: 'https://a.example',
      callbackEvents: ['expired'],
    });
    expect(broker.send.mock.calls).toMatchObject([[{ validUntil: clock.now() + 2 * 60 * minute }]]);
    clock.advance(2 * 60 * minute + reportGraceMs - 1);
    expect(await store.messages.get(id)).toMatchObject({ state: 'queued' });
    clock.advance(1_000);
    await eventually(fixture, () => expect(events(fixture)).toEqual(['result', 'sms.expired']));
    expect(await report(fixture, id, { status: 'delivered' })).toBeUndefined();
    clock.advance(day);
    await fixture.messages.idle();
    expect(events(fixture)).toEqual(['result', 'sms.expired']);
  });

  test('an SMS that a phone has sent in time and that is not delivered expires too', async () => {
    const fixture = startFixture();
    const { clock, store } = fixture;
    const id = await sendOne(fixture, { ttlMs: minute });
    await report(fixture, id, { status: 'sent' });
    clock.advance(minute + reportGraceMs + 1_000);
    await eventually(fixture, async () =>
      expect(await store.messages.get(id)).toMatchObject({ state: 'expired' }),
    );
  });
});

test('a report that comes before the confirm of the broker counts for the route, too', async () => {
  const fixture = startFixture();
  const { broker, routed } = fixture;
  broker.send.mockImplementationOnce(async ({ messageId = '' }) => {
    await report(fixture, messageId, { status: 'failed' });
    return sentResult;
  });
  await sendOne(fixture);
  const id = await sendOne(fixture);
  await report(fixture, id, { status: 'sent' });
  expect(routed.map(({ state, route }) => ({ state, route }))).toEqual(
    ['failed', 'queued', 'sent'].map((state) => ({ state, route: sentResult.route })),
  );
});

describe('callbacks about states', () => {
  const callbackUrl = 'https://a.example/x';

  test('come once each, in order, and only those that were chosen', async () => {
    const fixture = startFixture();
    const chosen = { callbackUrl, callbackEvents: ['sent', 'delivered'] } as const;
    const id = await sendOne(fixture, chosen);
    const at = fixture.clock.now();
    for (const status of ['sent', 'sent', 'delivered', 'delivered', 'failed'] as const) {
      await report(fixture, id, { status });
    }
    await eventually(fixture, () => expect(events(fixture)).toEqual(['result', 'sms.sent', 'sms.delivered']));
    expect(JSON.parse(fixture.called[1]?.body ?? '')).toEqual({
      type: 'sms.sent',
      timestamp: new Date(at).toISOString(),
      data: {
        uuid: expect.any(String),
        id,
        number: sms.number,
        operator_name: 'MTN Cameroon',
        state: 'sent',
      },
    });
    expect(await fixture.store.messages.get(id)).toMatchObject({ unreported: [] });
  });

  test('that could not be stored are stored by a later review', async () => {
    const fixture = startFixture();
    const { store, clock } = fixture;
    const put = vi
      .spyOn(store.callbacks, 'put')
      .mockRejectedValueOnce(unavailable)
      .mockRejectedValueOnce(unavailable);
    const id = await sendOne(fixture, { callbackUrl, callbackEvents: ['failed'] });
    await report(fixture, id, { status: 'failed', reason: 'no credit' });
    await fixture.messages.idle();
    expect(events(fixture)).toEqual([]);
    put.mockRestore();
    clock.advance(minute);
    await eventually(fixture, () => expect(events(fixture)).toEqual(['sms.failed']));
    expect(JSON.parse(fixture.called[0]?.body ?? '')).toMatchObject({ data: { reason: 'no credit' } });
  });

  test('are stored by one of two processes that review a message at the same time', async () => {
    const fixture = startFixture();
    const { store } = fixture;
    const id = await sendOne(fixture, { callbackUrl, callbackEvents: ['sent'] });
    const put = vi.spyOn(store.callbacks, 'put').mockRejectedValueOnce(unavailable);
    await report(fixture, id, { status: 'sent' });
    await fixture.messages.idle();
    const [one, two] = [createOtherLog(fixture), createOtherLog(fixture)];
    put.mockClear();
    await eventually(fixture, () => expect(put).toHaveBeenCalled());
    for (const log of [one, two, fixture.messages]) await log.idle();
    expect(put).toHaveBeenCalledTimes(1);
  });

  test('of one developer cannot take all places: the others wait in their messages', async () => {
    const fixture = startFixture();
    const { store, clock } = fixture;
    const id = await sendOne(fixture, { callbackUrl, callbackEvents: ['sent'] });
    const full = vi.spyOn(store.callbacks, 'countOf').mockResolvedValue(1_000);
    await report(fixture, id, { status: 'sent' });
    await fixture.messages.idle();
    expect(await store.messages.get(id)).toMatchObject({ unreported: ['sent'] });
    full.mockRestore();
    clock.advance(minute);
    await eventually(fixture, () => expect(events(fixture)).toEqual(['result', 'sms.sent']));
  });
});

describe('texts', () => {
  test.each([
    ['blank', ' \n', 'not blank'],
    ['with NUL', 'a\0b', 'NUL'],
    ['with half a surrogate pair', 'a\ud83d', 'surrogate'],
    ['of too many parts', 'a'.repeat(40_000), '255'],
  ])('%s are errors of their recipient', async (_, text, reason) => {
    const { outgoing, broker, store } = startFixture();
    const { body } = await outgoing.send({ ...request, data: [{ ...sms, text }, sms] }, context);
    const handovers = await store.messages.getAll(
      JSON.parse(body).messages.map(({ id }: { id: string }) => id),
    );
    expect(handovers).toMatchObject([{ handover: 'pending' }, { handover: 'accepted' }]);
    expect(JSON.parse(body)).toMatchObject({
      errors: [{ error_message: expect.stringContaining(reason) }],
      messages: [{ state: 'failed' }, { state: 'queued' }],
    });
    expect(broker.send).toHaveBeenCalledTimes(1);
  });

  test('are counted in their encoding', async () => {
    const { outgoing } = startFixture();
    const data = [
      { ...sms, text: 'a'.repeat(161) },
      { ...sms, text: 'ю'.repeat(71) },
    ];
    const { body } = await outgoing.send({ ...request, data }, context);
    expect(JSON.parse(body).messages).toMatchObject([
      { encoding: 'GSM-7', parts: 2 },
      { encoding: 'UCS-2', parts: 2 },
    ]);
  });
});
