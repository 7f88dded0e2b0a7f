// SMS that wait, and a store that fails while one of them is published.

import { expect, test, vi } from 'vitest';
import { changeState } from '../../../src/domain/outgoing/message.ts';
import { sentResult, unavailable } from './outgoing-fixture.ts';
import { eventually, sendOne, startFixture } from './started-fixture.ts';

const minute = 60_000;
const day = 86_400_000;

test('an SMS that waits is sent once, and counted once, although the store does not confirm that it begins', async () => {
  const fixture = startFixture({ pace: { daily: { count: 2, windowMs: day } } });
  const { clock, store, broker } = fixture;
  const id = await sendOne(fixture, { scheduledAt: clock.now() + minute });
  const { replaceAll } = store.messages;
  const unconfirmed = vi.spyOn(store.messages, 'replaceAll').mockImplementation(async (successors) => {
    await replaceAll(successors);
    throw unavailable;
  });
  clock.advance(minute);
  await eventually(fixture, () => expect(unconfirmed.mock.calls.length).toBeGreaterThan(8));
  expect(broker.send).not.toHaveBeenCalled();
  unconfirmed.mockRestore();
  await eventually(fixture, async () =>
    expect(await store.messages.get(id)).toMatchObject({ handover: 'accepted' }),
  );
  await sendOne(fixture);
  expect(broker.send).toHaveBeenCalledTimes(2);
});

test('an SMS that the broker refused is tried again, and counted once, although the store fails at that moment', async () => {
  const fixture = startFixture({ pace: { daily: { count: 2, windowMs: day } } });
  const { clock, store, broker } = fixture;
  broker.send.mockImplementationOnce(async () => {
    vi.spyOn(store.messages, 'replaceAll')
      .mockRejectedValueOnce(unavailable)
      .mockRejectedValueOnce(unavailable);
    return { kind: 'refused' };
  });
  const id = await sendOne(fixture, { scheduledAt: clock.now() + minute });
  clock.advance(minute);
  await eventually(fixture, async () =>
    expect(await store.messages.get(id)).toMatchObject({ handover: 'accepted' }),
  );
  await sendOne(fixture);
  expect(broker.send).toHaveBeenCalledTimes(3);
});

test.each([
  ['refused it', { kind: 'refused' }, { state: 'queued', handover: 'accepted' }],
  ['has no queue for it', { kind: 'unroutable' }, { state: 'failed', handover: 'pending' }],
] as const)('an SMS whose count cannot be refunded is as the broker %s', async (_what, result, expected) => {
  const fixture = startFixture({ pace: { daily: { count: 9, windowMs: day } } });
  const { clock, store, broker } = fixture;
  broker.send.mockResolvedValueOnce(result);
  const id = await sendOne(fixture, { scheduledAt: clock.now() + minute });
  vi.spyOn(store.limits, 'refund').mockRejectedValueOnce(unavailable);
  clock.advance(minute);
  await eventually(fixture, async () => expect(await store.waitingSms.count()).toMatchObject({ waiting: 0 }));
  expect(await store.messages.get(id)).toMatchObject(expected);
});

test('an SMS that waited and was taken has its route, although the store fails at that moment', async () => {
  const fixture = startFixture();
  const { clock, store, broker } = fixture;
  broker.send.mockImplementationOnce(async () => {
    vi.spyOn(store.messages, 'replaceAll').mockRejectedValueOnce(unavailable);
    return sentResult;
  });
  const id = await sendOne(fixture, { scheduledAt: clock.now() + minute });
  clock.advance(minute);
  await eventually(fixture, async () => expect(await store.waitingSms.count()).toMatchObject({ waiting: 0 }));
  expect(await store.messages.get(id)).toMatchObject({ handover: 'accepted', route: sentResult.route });
  expect(broker.send).toHaveBeenCalledTimes(1);
});

test('an SMS that is no longer to be sent is not counted, although the store fails at that moment', async () => {
  const fixture = startFixture({ pace: { daily: { count: 1, windowMs: day } } });
  const { clock, store, messages, broker } = fixture;
  const id = await sendOne(fixture, { scheduledAt: clock.now() + minute });
  await messages.change(id, (message, now) => changeState(message, 'cancelled', now));
  const { get } = store.messages;
  const failing = vi.spyOn(store.messages, 'get');
  failing.mockImplementationOnce(get).mockRejectedValueOnce(unavailable);
  clock.advance(minute);
  await eventually(fixture, async () => expect(await store.waitingSms.count()).toMatchObject({ waiting: 0 }));
  await sendOne(fixture);
  expect(broker.send).toHaveBeenCalledTimes(1);
});

test('a process that stops tries once more to record what became of an SMS', async () => {
  const fixture = startFixture();
  const { clock, store, broker } = fixture;
  broker.send.mockImplementationOnce(async () => {
    vi.spyOn(store.messages, 'replaceAll').mockRejectedValueOnce(unavailable);
    return { kind: 'refused' };
  });
  const id = await sendOne(fixture, { scheduledAt: clock.now() + minute });
  clock.advance(minute);
  await vi.waitFor(() => expect(broker.send).toHaveBeenCalled());
  await vi.waitFor(() => expect(store.messages.replaceAll).toHaveBeenCalledTimes(1));
  fixture.waiting?.stop();
  await fixture.waiting?.idle();
  expect(await store.messages.get(id)).toMatchObject({ handover: 'pending' });
});
