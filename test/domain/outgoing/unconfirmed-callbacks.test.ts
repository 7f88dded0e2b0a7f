// Callbacks to developers while the store fails: it keeps them and its replicas do not confirm that, or it keeps nothing.

import { expect, test, vi } from 'vitest';
import { createDeveloperCallbacks } from '../../../src/domain/outgoing/developer-callbacks.ts';
import { applyReport } from '../../../src/domain/outgoing/message.ts';
import type { Callback } from '../../../src/domain/outgoing/model.ts';
import type { OutboxEntry } from '../../../src/domain/shared/model.ts';
import type { OutboxStore } from '../../../src/domain/shared/ports.ts';
import { createMemoryLog } from '../../support/log.ts';
import { messageOf } from '../../support/outgoing-messages.ts';
import { context, createFixture, request, unavailable } from './outgoing-fixture.ts';

const url = 'https://a.example/x';

const entryOf = (id: string, content: Callback): OutboxEntry<Callback> => ({
  ...{ id, content, since: 0, dueAt: 0 },
  attempts: 0,
  history: [],
});

/** Each durable write is made, and fails as no replica confirms it. @returns lets them confirm again */
function loseReplicas(store: OutboxStore<Callback>): () => void {
  const { put, remove, settle, get } = store;
  const unconfirmed = async (write: Promise<unknown>): Promise<never> => {
    await write;
    throw unavailable;
  };
  const spies = [
    vi.spyOn(store, 'put').mockImplementation((entry) => unconfirmed(put(entry))),
    vi.spyOn(store, 'remove').mockImplementation((id) => unconfirmed(remove(id))),
    vi.spyOn(store, 'settle').mockImplementation((...args) => unconfirmed(settle(...args))),
    vi.spyOn(store, 'getDurable').mockImplementation(async (id) => {
      if (await get(id)) throw unavailable;
      return undefined;
    }),
  ];
  return () => {
    for (const spy of spies) spy.mockRestore();
  };
}

test('a state is called back once, though the store kept its callback several times without the replicas', async () => {
  const fixture = createFixture({ pollIntervalMs: 1_000 });
  const { store, clock, outgoing, messages, called } = fixture;
  const events = () => called.map(({ body }) => JSON.parse(body).type ?? 'result');
  const wait = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1_000);
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    }
  };
  messages.start();
  const { body } = await outgoing.send({ ...request, callbackUrl: url, callbackEvents: ['sent'] }, context);
  const { id } = JSON.parse(body).messages[0];
  await wait(1);
  const findReplicas = loseReplicas(store.callbacks);
  await messages.change(id, (message, now) => applyReport(message, { status: 'sent' }, now));
  await wait(40);
  expect(events()).toEqual(['result']);
  expect(await store.messages.get(id)).toMatchObject({ unreported: ['sent'] });
  findReplicas();
  await wait(40);
  expect(events()).toEqual(['result', 'sms.sent']);
  expect(await store.messages.get(id)).toMatchObject({ unreported: [] });
});

test('a callback that waits keeps its claim and its attempts when its state is stored again', async () => {
  const { store } = createFixture();
  const callbacks = createDeveloperCallbacks({
    outbox: { add: (id, content) => store.callbacks.put(entryOf(id, content)) },
    store: store.callbacks,
    maxPerDeveloper: 100,
  });
  const message = messageOf(1, {
    callbacks: { urls: [url], events: ['sent'] },
    times: { queued: 1, sent: 2 },
  });
  expect(await callbacks.addState(message, 'sent')).toBe(true);
  const [id = ''] = await store.callbacks.claim(9, 9);
  const tried = { ...entryOf(id, { url, body: '{}' }), attempts: 3 };
  expect(await store.callbacks.putClaimed(tried)).toBe('claimed');
  expect(await callbacks.addState(message, 'sent')).toBe(true);
  expect(await store.callbacks.get(id)).toEqual(tried);
  expect(await store.callbacks.settle(id, undefined)).toBe(true);
});

test('results that are dropped are counted, and logged with the reason', async () => {
  const { store } = createFixture();
  const onDropped = vi.fn();
  const log = createMemoryLog();
  const callbacks = createDeveloperCallbacks({
    outbox: { add: () => Promise.reject(unavailable) },
    ...{ store: store.callbacks, maxPerDeveloper: 100, onDropped },
  });
  const result = { authId: 'dev1', uuid: 'u', ids: ['1'] };
  await callbacks.addResult({ ...result, urls: [url, `${url}/2`] }, '{}', log);
  expect(onDropped).toHaveBeenCalledTimes(2);
  vi.spyOn(store.callbacks, 'countOf').mockResolvedValue(1_000);
  await callbacks.addResult({ ...result, urls: [url] }, '{}', log);
  expect(onDropped).toHaveBeenCalledTimes(3);
  expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
    ['error', 'a callback was dropped'],
    ['error', 'a callback was dropped'],
    ['error', 'a callback was dropped: too many wait'],
  ]);
});
