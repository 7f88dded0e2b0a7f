// Outgoing messages when something goes wrong: a store that fails, validity that ends, a clock that is set back, a crowd of reports.

import { expect, onTestFinished, test, vi } from 'vitest';
import { applyReport, changeState } from '../../../src/domain/outgoing/message.ts';
import { createMessageLog } from '../../../src/domain/outgoing/message-log.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';
import { messageOf } from '../../support/outgoing-messages.ts';
import { context, request, sentResult, sms, unavailable } from './outgoing-fixture.ts';
import { eventually, sendOne, startFixture } from './started-fixture.ts';

const minute = 60_000;
const day = 86_400_000;

test('a store that fails when SMS were sent fails no request, and their outcome is unknown', async () => {
  const fixture = startFixture();
  const { store, clock, outgoing } = fixture;
  const replaceAll = vi.spyOn(store.messages, 'replaceAll').mockRejectedValue(unavailable);
  const { body, complete } = await outgoing.send(request, context);
  replaceAll.mockRestore();
  expect(complete).toBe(true);
  const { id } = JSON.parse(body).messages[0];
  clock.advance(11 * minute);
  await eventually(fixture, async () =>
    expect(await store.messages.get(id)).toMatchObject({ state: 'queued', handover: 'unknown' }),
  );
});

test('an SMS that is no longer valid when it would be published has expired', async () => {
  const fixture = startFixture();
  fixture.broker.send.mockResolvedValue({ kind: 'expired' });
  const { body } = await fixture.outgoing.send({ ...request, ttlMs: 1_000 }, context);
  expect(JSON.parse(body)).toMatchObject({
    errors: [{ error_message: expect.stringContaining('while it was valid') }],
    messages: [{ state: 'expired' }],
  });
  const later = await sendOne(fixture, { ttlMs: 1_000, scheduledAt: fixture.clock.now() + minute });
  fixture.clock.advance(minute);
  await eventually(fixture, async () =>
    expect(await fixture.store.messages.get(later)).toMatchObject({
      state: 'expired',
      handover: 'pending',
    }),
  );
  // By the broker's client, not by a review.
  expect(fixture.broker.send).toHaveBeenCalledTimes(2);
});

test('an SMS that waits is not sent without its state, and the log says so', async () => {
  const fixture = startFixture();
  const { clock, store, broker } = fixture;
  const id = await sendOne(fixture, { scheduledAt: clock.now() + minute });
  await store.messages.remove([id]);
  clock.advance(minute);
  await eventually(fixture, async () => expect(await store.waitingSms.count()).toMatchObject({ waiting: 0 }));
  expect(broker.send).not.toHaveBeenCalled();
  expect(fixture.queueLog.lines).toContainEqual({
    level: 'error',
    fields: { id },
    message: 'an outgoing SMS that waited is dropped: its state is no longer kept',
  });
});

test('a repeated cancellation removes the SMS that the first one could not remove', async () => {
  const fixture = startFixture();
  const { clock, store, tracking } = fixture;
  const message = await store.messages.get(await sendOne(fixture, { scheduledAt: clock.now() + day }));
  const all = message ? [message] : [];
  vi.spyOn(store.waitingSms, 'remove').mockRejectedValueOnce(unavailable);
  await expect(tracking.cancel(all)).rejects.toBe(unavailable);
  expect(await tracking.cancel(all)).toMatchObject([{ kind: 'cancelled', message: { state: 'cancelled' } }]);
  expect(await store.waitingSms.count()).toMatchObject({ waiting: 0 });
});

test('a clock that is set back before a schedule of a month makes no busy loop', async () => {
  const fixture = startFixture();
  const { clock, store } = fixture;
  await sendOne(fixture, { scheduledAt: clock.now() + 31 * day });
  clock.setWall(clock.now() - 5 * day);
  const postpone = vi.spyOn(store.waitingSms, 'postpone');
  clock.advance(5 * minute);
  await vi.waitFor(() => expect(postpone).toHaveBeenCalled());
  await fixture.waiting?.idle();
  clock.advance(1_000);
  await fixture.waiting?.idle();
  expect(postpone).toHaveBeenCalledTimes(1);
});

test('a report on each of 255 parts, all concurrent, is recorded', async () => {
  const fixture = startFixture();
  const id = await sendOne(fixture);
  const parts = Array.from({ length: 255 }, (_, index) => index + 1);
  await Promise.all(
    parts.map((part) =>
      fixture.messages.change(id, (message, now) =>
        applyReport(message, { status: 'delivered', part, parts: 255 }, now),
      ),
    ),
  );
  expect(await fixture.store.messages.get(id)).toMatchObject({ state: 'delivered' });
});

test('the outcomes of a large request are recorded together, without losing what phones report meanwhile', async () => {
  const { store, broker, outgoing, messages, called } = startFixture();
  const calls = vi.spyOn(store.messages, 'replaceAll');
  broker.send.mockImplementation(async ({ text, messageId = '' }) => {
    // A phone reports before the broker confirms.
    if (text === '3') await messages.change(messageId, (message, at) => changeState(message, 'sent', at));
    if (text === '5') return { kind: 'unroutable' };
    return text === '7' ? { kind: 'unconfirmed' } : sentResult;
  });
  const data = Array.from({ length: 10 }, (_, n) => ({ ...sms, text: String(n) }));
  const callbackUrl = 'https://developer.example/callback';
  const { body } = await outgoing.send(
    { ...request, data, callbackUrl, callbackEvents: ['failed'] },
    context,
  );
  const ids = JSON.parse(body).messages.map(({ id }: { id: string }) => id);
  const found = await store.messages.getAll(ids);
  const expected = data.map((_, n) => {
    if (n === 5) return ['failed', 'pending', undefined];
    if (n === 7) return ['queued', 'unknown', undefined];
    return [n === 3 ? 'sent' : 'queued', 'accepted', sentResult.route];
  });
  expect(found.map((message) => [message?.state, message?.handover, message?.route])).toEqual(expected);
  // The report, all outcomes, and again that of the message with the report.
  expect(calls.mock.calls.map(([all]) => all.length).slice(0, 3)).toEqual([1, 10, 1]);
  await messages.idle();
  await vi.waitFor(() => expect(called.some(({ body }) => body.includes('sms.failed'))).toBe(true));
});

test('the states of 2,000 messages are reported immediately, and those of others by a review', async () => {
  const clock = createFakeClock();
  const store = createMemoryStore({ ...storeOptions(clock), messages: { ttlMs: day, max: 3_000 } });
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const reported = new Set<string>();
  let id = 0;
  const log = createMessageLog({
    ...{ store: store.messages, clock, log: createMemoryLog(), reportGraceMs: minute },
    newId: () => String(++id),
    callbacks: {
      addState: async (message) => {
        reported.add(message.id);
        await opened;
        return true;
      },
    },
  });
  const drafts = Array.from({ length: 2_010 }, () => {
    const { revision: _, reviewAt: __, ...draft } = messageOf(clock.now(), { unreported: ['failed'] });
    return { ...draft, id: log.newId(), state: 'failed' as const };
  });
  await log.add(drafts);
  await vi.waitFor(() => expect(reported.size).toBe(2_000));
  log.start();
  onTestFinished(log.stop);
  open();
  await log.idle();
  await vi.waitFor(() => {
    clock.advance(1_000);
    expect(reported.size).toBe(2_010);
  });
  await log.idle();
  expect(await store.messages.nextReviewAt()).toBeUndefined();
});

test('while the store takes no change, each review tries one batch, and the log has one line', async () => {
  const clock = createFakeClock();
  const store = createMemoryStore({ ...storeOptions(clock), messages: { ttlMs: day, max: 1_000 } });
  const lines = createMemoryLog();
  let id = 0;
  const log = createMessageLog({
    ...{ store: store.messages, clock, log: lines, reportGraceMs: minute },
    newId: () => String(++id),
    callbacks: { addState: async () => true },
  });
  const validUntil = clock.now() + minute;
  await log.add(
    Array.from({ length: 450 }, () => {
      const { revision: _, reviewAt: __, ...draft } = messageOf(clock.now(), { validUntil });
      return { ...draft, id: log.newId(), handover: 'pending' as const };
    }),
  );
  const failing = vi.spyOn(store.messages, 'replaceAll').mockRejectedValue(unavailable);
  clock.advance(minute);
  log.start();
  onTestFinished(log.stop);
  for (const tried of [200, 400, 600]) {
    clock.advance(1_000);
    await log.idle();
    expect(failing).toHaveBeenCalledTimes(tried);
  }
  expect(lines.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  failing.mockRestore();
  clock.advance(1_000);
  await log.idle();
  expect(await store.messages.count()).toMatchObject({ expired: 450 });
});
