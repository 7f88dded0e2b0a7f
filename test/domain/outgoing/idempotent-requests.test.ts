// A batch of outgoing SMS whose process loses its lease or its store, or is killed: no SMS is sent twice.

import { expect, test, vi } from 'vitest';
import type { OutgoingSms } from '../../../src/domain/outgoing/model.ts';
import type { SendRequest } from '../../../src/domain/outgoing/outgoing.ts';
import { SwobError } from '../../../src/errors.ts';
import { createMemoryLeases } from '../../../src/store/memory/leases.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createRequestContext } from '../../support/request-context.ts';
import { buildOutgoing } from './outgoing-parts.ts';

const context = createRequestContext();
const sms = { number: '+237650393369', operator_name: 'MTN Cameroon' };
const batch = Array.from({ length: 120 }, (_, n) => ({ ...sms, text: `${n}` }));
const request: SendRequest = {
  authId: 'dev1',
  authKey: 'key',
  idempotencyKey: 'k',
  data: batch,
  callbackUrl: 'https://a.example',
};
const away = new SwobError('UNAVAILABLE', 'the store is away');

/** Processes that share a store, each with a broker that blocks from the SMS `stopAt` on. */
function createFixture() {
  const clock = createFakeClock();
  const store = createMemoryStore({
    ...storeOptions(clock),
    responses: { ttlMs: 3_600_000, max: 50 },
    messages: { ttlMs: 3_600_000, max: 1_000 },
  });
  const leases = createMemoryLeases(clock);
  const sent: string[] = [];
  const callbackBodies: string[] = [];
  const createNode = (stopAt = Number.POSITIVE_INFINITY, outcome: 'sent' | 'unconfirmed' = 'sent') => {
    const responses = { ...store.responses };
    const ownLeases = { ...leases };
    let unblock = (): void => {};
    const held = new Promise<void>((resolve) => {
      unblock = resolve;
    });
    const { outgoing, messages } = buildOutgoing({
      broker: {
        send: async ({ text }: OutgoingSms) => {
          sent.push(text);
          if (Number(text) >= stopAt) await held;
          return outcome === 'sent' ? { kind: outcome, route: 'dev1.237' } : { kind: outcome };
        },
        close: async () => 0,
      },
      tenants: undefined,
      developers: { authenticate: async () => {}, checkSetup: async () => {} },
      store,
      leases: ownLeases,
      responses,
      callbacks: { add: async (_id, { body }) => void callbackBodies.push(body) },
      requestLimit: 'off',
      lookupLimit: 'off',
      clock,
    });
    return {
      send: (data = batch) => outgoing.send({ ...request, data }, context),
      messages,
      unblock: () => unblock(),
      /** @returns a function that restores the store */
      loseStore: () => {
        const spies = [
          vi.spyOn(responses, 'replace').mockRejectedValue(away),
          vi.spyOn(ownLeases, 'renew').mockRejectedValue(away),
          vi.spyOn(ownLeases, 'complete').mockRejectedValue(away),
        ];
        return () => {
          for (const spy of spies) spy.mockRestore();
        };
      },
    };
  };
  return { clock, sent, callbackBodies, createNode };
}

const reasonsIn = ({ body }: { body: string }): string[] =>
  JSON.parse(body).errors.map((each: { error_message: string }) => each.error_message);
const unknown = (count: number) =>
  Array.from({ length: count }, () => expect.stringContaining('it may have been sent'));
const once = batch.map(({ text }) => text).toSorted();

/** Longer than the lease. */
async function outliveLease(clock: ReturnType<typeof createFakeClock>): Promise<void> {
  for (let ms = 0; ms < 12_000; ms += 250) {
    clock.advance(250);
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  }
}

test.each([
  ['comes back to the store', true],
  ['does not come back', false],
])(
  'a process that lost its lease in the middle, and %s, sends no more of the batch',
  async (_what, isBack) => {
    const { clock, sent, createNode } = createFixture();
    const [first, second] = [createNode(0), createNode()];
    const broken = first.send().catch((error: unknown) => error);
    await vi.waitFor(() => expect(sent).toHaveLength(50));
    const comeBack = first.loseStore();
    const repeated = second.send();
    await outliveLease(clock);
    const response = await repeated;
    if (isBack) comeBack();
    first.unblock();
    expect(await broken).toMatchObject({ code: 'UNAVAILABLE' });
    expect(sent.toSorted()).toEqual(once);
    expect(reasonsIn(response)).toEqual(unknown(50));
    // The response is final.
    expect(await second.send()).toEqual(response);
    expect(sent).toHaveLength(batch.length);
  },
);

test('a process whose broker has failed does not report what another process has sent meanwhile', async () => {
  const { clock, sent, callbackBodies, createNode } = createFixture();
  const [first, second] = [createNode(0, 'unconfirmed'), createNode()];
  const broken = first.send().catch((error: unknown) => error);
  await vi.waitFor(() => expect(sent).toHaveLength(50));
  const comeBack = first.loseStore();
  const repeated = second.send();
  await outliveLease(clock);
  const response = await repeated;
  comeBack();
  first.unblock();
  expect(await broken).toMatchObject({ code: 'UNAVAILABLE', retryAfter: 1 });
  expect(callbackBodies).toEqual([response.body]);
  expect(sent.toSorted()).toEqual(once);
});

test('the outcomes of a killed process are reported as they were, and the rest is sent', async () => {
  const { clock, sent, createNode } = createFixture();
  const data = [{ ...sms, number: 'no number', text: '0' }, ...batch.slice(1)];
  const dying = createNode(50);
  void dying.send(data).catch(() => {});
  await vi.waitFor(() => expect(sent).toHaveLength(99));
  dying.loseStore();
  const repeated = createNode().send(data);
  await outliveLease(clock);
  expect(reasonsIn(await repeated)).toEqual(['not a phone number in E.164 format', ...unknown(50)]);
  expect(sent.toSorted()).toEqual(once.filter((text) => text !== '0'));
});

/** A batch that has stopped after its first 50 SMS, because the store was away; it is back. */
async function interruptByStore() {
  const { clock, sent, createNode } = createFixture();
  const node = createNode(0);
  const first = node.send();
  await vi.waitFor(() => expect(sent).toHaveLength(50));
  const comeBack = node.loseStore();
  node.unblock();
  await expect(first).rejects.toBe(away);
  comeBack();
  return { clock, sent, node };
}

test('a batch stops when the store is unavailable, and is resumed when it is requested again', async () => {
  const { clock, sent, node } = await interruptByStore();
  const repeated = node.send();
  await outliveLease(clock);
  expect(reasonsIn(await repeated)).toEqual(unknown(50));
  expect(sent.toSorted()).toEqual(once);
});

test('what was not begun is sent when the request is repeated half an hour later', async () => {
  const { clock, sent, node } = await interruptByStore();
  node.messages.start();
  for (let minutes = 0; minutes < 30; minutes += 10) {
    clock.advance(600_000);
    await node.messages.idle();
  }
  const repeated = node.send();
  await outliveLease(clock);
  expect(reasonsIn(await repeated)).toEqual(unknown(50));
  expect(sent.toSorted()).toEqual(once);
});
