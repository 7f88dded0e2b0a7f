// A process that is killed at any step of a request or of a schedule, and another one on the same store, to which the developer
// repeats the request: no SMS is published twice, none is lost without a word, and the result is called back under one id.

import { expect, test, vi } from 'vitest';
import { createDevelopers } from '../../../src/domain/outgoing/developers.ts';
import type { SendRequest } from '../../../src/domain/outgoing/outgoing.ts';
import type { Store } from '../../../src/domain/store.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { context, number } from './outgoing-fixture.ts';
import { buildOutgoing } from './outgoing-parts.ts';

const minute = 60_000;
const wait = { interval: 1 };
const texts = ['one', 'two'];
const request: SendRequest = {
  authId: 'dev1',
  authKey: 'key',
  data: texts.map((text) => ({ number, text, operator_name: 'MTN Cameroon' })),
  uuid: 'request',
  callbackUrl: 'https://developer.example.org/results',
};

interface Shared {
  readonly clock: FakeClock;
  readonly store: Store;
  readonly published: string[];
  /** Ids of the callbacks with the result of the request. */
  readonly results: string[];
}

function createShared(): Shared {
  const clock = createFakeClock();
  const store = createMemoryStore({
    ...storeOptions(clock),
    waitingSms: { max: 100 },
    messages: { ttlMs: 86_400_000, max: 1_000 },
    responses: { ttlMs: 86_400_000, max: 50, maxCharacters: 100_000 },
  });
  return { clock, store, published: [], results: [] };
}

/** A process that stops at its step number `lastStep`: nothing that it does afterwards happens. */
function startProcess({ clock, store, published, results }: Shared, lastStep = Number.POSITIVE_INFINITY) {
  let steps = 0;
  let onKilled = (): void => {};
  const killed = new Promise<void>((resolve) => {
    onKilled = resolve;
  });
  const step = async (): Promise<void> => {
    if (++steps <= lastStep) return;
    onKilled();
    await new Promise(() => {});
  };
  const stepwise = <T extends object>(part: T): T =>
    new Proxy(part, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]) => {
          await step();
          return Reflect.apply(method, target, args);
        };
      },
    });
  const parts = buildOutgoing({
    broker: {
      send: async ({ text }) => {
        await step();
        published.push(text);
        await step();
        return { kind: 'sent', route: 'a phone' };
      },
      close: async () => 0,
    },
    store: { ...store, messages: stepwise(store.messages), waitingSms: stepwise(store.waitingSms) },
    callbacks: {
      add: async (id) => {
        await step();
        results.push(id);
        await step();
      },
    },
    clock,
    tenants: undefined,
    developers: createDevelopers({
      api: { authenticate: async () => ({ kind: 'accepted' }) },
      limits: store.limits,
      setup: { id: 'setup', key: 'secret' },
      guessLimit: { count: 3, windowMs: minute },
    }),
    leases: undefined,
    responses: stepwise(store.responses),
    requestLimit: { count: 50, windowMs: minute },
    lookupLimit: { count: 50, windowMs: minute },
  });
  const stop = (): void => {
    parts.messages.stop();
    parts.waiting?.stop();
  };
  parts.messages.start();
  parts.waiting?.start();
  return { ...parts, killed, stop };
}

/** What a store does for the entries of a process that has died. */
async function releaseClaims({ waitingSms }: Store, now: number): Promise<void> {
  for (const { id, dueAt } of await waitingSms.waiting(100)) await waitingSms.postpone(id, dueAt ?? now);
}

interface Scenario {
  /** From the start; undefined for SMS that are sent immediately. */
  readonly scheduleMs?: number;
  /** How long the developer takes to repeat the request. */
  readonly repeatMs: number;
}

/** @returns false when the process ended its work before that step */
async function interruptAt(lastStep: number, { scheduleMs, repeatMs }: Scenario): Promise<boolean> {
  const shared = createShared();
  const { clock, store, published, results } = shared;
  const scheduled = {
    ...request,
    ...(scheduleMs !== undefined && { scheduledAt: clock.now() + scheduleMs }),
  };
  const first = startProcess(shared, lastStep);
  let isKilled = false;
  void first.killed.then(() => {
    isKilled = true;
  });
  const answered = await Promise.race([
    first.killed.then(() => false),
    first.outgoing.send(scheduled, context).then(() => true),
  ]);
  if (answered) {
    await vi.waitFor(async () => {
      if (isKilled) return;
      clock.advance(scheduleMs ?? minute);
      await Promise.race([first.killed, first.waiting?.idle()]);
      expect((await store.waitingSms.count()).waiting).toBe(0);
    }, wait);
  }
  first.stop();
  clock.advance(repeatMs);
  await releaseClaims(store, clock.now());

  const second = startProcess(shared);
  const { body } = await second.outgoing.send(scheduled, context);
  const ids: string[] = JSON.parse(body).messages.map(({ id }: { id: string }) => id);
  expect(ids).toHaveLength(texts.length);
  const messages = await store.messages.ofRequest('dev1', 'request', 100);
  expect(
    messages.map(({ id }) => id),
    `killed at step ${lastStep}`,
  ).toEqual(ids);
  const isSettled = async (): Promise<void> => {
    clock.advance((scheduleMs ?? 0) + minute);
    await second.waiting?.idle();
    await second.messages.idle();
    for (const id of ids) expect((await store.messages.get(id))?.handover).toMatch(/^(accepted|unknown)$/);
    expect((await store.waitingSms.count()).waiting).toBe(0);
  };
  await vi.waitFor(isSettled, wait);
  second.stop();
  expect(published.length, `killed at step ${lastStep}`).toBe(new Set(published).size);
  expect(new Set(results).size, `killed at step ${lastStep}`).toBe(1);
  for (const [index, id] of ids.entries()) {
    const isPublished = published.includes(texts[index] ?? '');
    const { handover } = (await store.messages.get(id)) ?? {};
    if (!isPublished) expect(handover, `killed at step ${lastStep}`).toBe('unknown');
  }
  return isKilled;
}

test.each<Scenario & { name: string }>([
  { name: 'sent immediately', repeatMs: 0 },
  { name: 'sent immediately, and repeated after the time for publishing', repeatMs: 11 * minute },
  { name: 'scheduled, and repeated before its time', scheduleMs: 30 * minute, repeatMs: 1_000 },
  { name: 'scheduled, and repeated after its time', scheduleMs: 30 * minute, repeatMs: 31 * minute },
])('a request that is $name', async (scenario) => {
  let lastStep = 0;
  while (await interruptAt(lastStep, scenario)) lastStep++;
  expect(lastStep).toBeGreaterThan(5);
});
