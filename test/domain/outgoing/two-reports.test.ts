// Two nodes on one store: one gets the report that an SMS was sent, and the other that it was delivered, at any step of the first.

import { expect, test, vi } from 'vitest';
import {
  applyReport,
  type MessageState,
  type OutgoingMessage,
} from '../../../src/domain/outgoing/message.ts';
import { createMessageLog, type MessageDraft } from '../../../src/domain/outgoing/message-log.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';

const states = ['sent', 'delivered'] as const;

function createNodes() {
  const clock = createFakeClock();
  const store = createMemoryStore({ ...storeOptions(clock), messages: { ttlMs: 86_400_000, max: 1_000 } });
  const calledBack: MessageState[] = [];
  const createNode = (addState: (message: OutgoingMessage, state: MessageState) => Promise<boolean>) => {
    const ownStore = { ...store.messages };
    const log = createMemoryLog();
    const deps = { store: ownStore, callbacks: { addState }, clock, log, newId: () => '1', reportGraceMs: 0 };
    const messages = createMessageLog(deps);
    const report = (status: (typeof states)[number]) =>
      messages.change('1', (message, now) => applyReport(message, { status }, now));
    return { store: ownStore, messages, report };
  };
  const callBack = async (_message: OutgoingMessage, state: MessageState): Promise<boolean> => {
    calledBack.push(state);
    return true;
  };
  const draft: MessageDraft = {
    ...{
      id: '1',
      authId: 'dev1',
      uuid: 'request',
      index: 0,
      number: '+237650393369',
      operatorName: 'MTN Cameroon',
    },
    ...{ state: 'queued', times: { queued: clock.now() }, handover: 'accepted', encoding: 'GSM-7', parts: 1 },
    ...{ sentParts: [], deliveredParts: [], unreported: [] },
    callbacks: { urls: ['https://developer.example/callback'], events: states },
  };
  return { clock, store, calledBack, createNode, callBack, draft };
}

/**
 * At step number `step` of the first node, the other one gets the second report.
 * @returns whether the first node has that step
 */
async function interleave(step: number): Promise<boolean> {
  const { store, calledBack, createNode, callBack, draft } = createNodes();
  const other = createNode(callBack);
  let steps = 0;
  const act = async (): Promise<void> => {
    if (steps++ === step) await other.report('delivered');
  };
  const first = createNode(async (...args) => {
    const isAdded = await callBack(...args);
    await act();
    return isAdded;
  });
  await first.messages.add([draft]);
  const { get, replaceAll } = store.messages;
  first.store.get = async (...args) => {
    const message = await get(...args);
    await act();
    return message;
  };
  first.store.replaceAll = async (...args) => {
    const replaced = await replaceAll(...args);
    await act();
    return replaced;
  };
  await first.report('sent');
  // In this order, because the other one works at a step of the first.
  for (const { messages } of [first, other]) await messages.idle();
  const message = await get('1');
  expect(message?.unreported, `step ${step}`).toEqual([]);
  expect(calledBack, `step ${step}`).toEqual(states.filter((state) => message?.times[state] !== undefined));
  return message?.state === 'delivered';
}

test('each state is called back once, however the reports of two nodes meet', async () => {
  let step = 0;
  while (await interleave(step)) step++;
  expect(step).toBeGreaterThan(4);
});

test('the states of a node that was killed before it called them back are called back by a review of the other', async () => {
  const { clock, calledBack, createNode, callBack, draft } = createNodes();
  const killed = createNode(() => new Promise(() => {}));
  const other = createNode(callBack);
  await killed.messages.add([draft]);
  await killed.report('sent');
  await other.report('delivered');
  await other.messages.idle();
  expect(calledBack).toEqual([]);
  other.messages.start();
  await vi.waitFor(() => {
    clock.advance(1_000);
    expect(calledBack).toEqual(states);
  });
  other.messages.stop();
  await other.messages.idle();
});
