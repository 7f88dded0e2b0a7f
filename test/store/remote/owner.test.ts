// What a client of a store may expect of its owner: kinds of errors, bounds, batches, and what happens when either is gone.

import { describe, expect, test, vi } from 'vitest';
import { callbackEvents } from '../../../src/domain/outgoing/message.ts';
import { StoreFullError } from '../../../src/domain/shared/store-full-error.ts';
import { SwobError } from '../../../src/errors.ts';
import { nextTurn } from '../../../src/lib/next-turn.ts';
import type { EmbeddedStore } from '../../../src/store/adapter.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import {
  maxCallWeight,
  maxPendingCalls,
  maxPendingWeight,
  maxResultWeight,
} from '../../../src/store/remote/bounds.ts';
import { createCallClient } from '../../../src/store/remote/call-client.ts';
import { createRemoteStore } from '../../../src/store/remote/client.ts';
import { createStoreOwner } from '../../../src/store/remote/owner.ts';
import { weightOf } from '../../../src/store/remote/weight.ts';
import { entry, waiting } from '../../contract/outboxes.ts';
import { seed, storeOptions, user } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';
import { messageOf, nextOf } from '../../support/outgoing-messages.ts';
import { createPeerPair, openTwo, serveClients } from './support.ts';

/** A client of a store in memory with these parts. */
function openWith(parts: Partial<EmbeddedStore>) {
  const clock = createFakeClock();
  const options = storeOptions(clock);
  const [client] = serveClients({ ...createMemoryStore(options), ...parts }, options, 1);
  if (!client) throw new Error('there is no client');
  return { ...client, clock };
}

const never = () => new Promise<never>(() => {});
const users = (list: EmbeddedStore['users']['list']): Partial<EmbeddedStore> => ({
  users: { ...createMemoryStore(storeOptions(createFakeClock())).users, list },
});

describe('errors of the owner keep their kind', () => {
  test('a full store', async () => {
    const { one } = openTwo({ inbound: { max: 1 } });
    await one.store.inbound.put(entry);
    const error = await one.store.inbound.put(waiting('another', 1)).catch((it: unknown) => it);
    expect(error).toBeInstanceOf(StoreFullError);
    expect(error).toMatchObject({
      code: 'UNAVAILABLE',
      retryAfter: 30,
      publicMessage: 'no more messages are taken now',
      message: expect.stringContaining('raise [publisher] max_kept'),
    });
  });

  test('an error with a code, and one without', async () => {
    const { one } = openTwo();
    await expect(async () => one.store.seeds.active(20_001)).rejects.toSatisfy(
      (error) =>
        error instanceof SwobError && !(error instanceof StoreFullError) && error.code === 'INTERNAL',
    );
    const { store } = openWith(users(() => Promise.reject(new TypeError('a defect'))));
    await expect(store.users.list('', 9)).rejects.toThrow(/^a defect$/);
  });
});

describe('calls', () => {
  test('of one turn travel in one message, and so do their answers', async () => {
    const { one } = openTwo();
    await Promise.all(Array.from({ length: 50 }, () => one.store.users.get(user.userId)));
    expect([one.pair.fromClient.length, one.pair.fromOwner.length]).toEqual([1, 1]);
    expect(one.pair.fromOwner[0]).toHaveLength(50);
  });

  test('are bounded in the size of their arguments', async () => {
    const { one } = openTwo();
    const text = 'x'.repeat(maxCallWeight);
    await expect(one.store.users.put({ ...user, publicKey: text })).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringContaining(`arguments of users.put have more than ${maxCallWeight} characters`),
    });
    expect(await one.store.users.get(user.userId)).toBeUndefined();
  });

  test('are bounded in the size of their results, except lists, which come in parts', async () => {
    const large = { ...user, publicKey: 'x'.repeat(maxResultWeight) };
    const { store } = openWith(users(async () => ({ users: [large] })));
    await expect(store.users.list('', 9)).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringContaining(`result of users.list has more than ${maxResultWeight} characters`),
    });
    const clients = Array.from({ length: 20_000 }, (_, n) => ({ msisdn: `+${n}`, lastDeliveryAt: n }));
    const listing = openWith({ clients: { record: async () => {}, list: async () => clients } });
    expect(await listing.store.clients.list()).toEqual(clients);
    expect(listing.pair.fromOwner.length).toBeGreaterThan(4);
  });

  test('hold the largest request for outgoing SMS, and the largest page of them', async () => {
    const { one, clock } = openTwo({ messages: { ttlMs: 60_000, max: 2_000 } });
    const urls = Array.from({ length: 5 }, (_, n) => `https://example.org/${n}`.padEnd(1_638, 'x'));
    const callbacks = { urls, events: [...callbackEvents] };
    const sms = Array.from({ length: 1_000 }, () => messageOf(clock.now(), { callbacks }));
    expect(await one.store.messages.add(sms)).toEqual([]);
    const page = await one.store.messages.list({}, { limit: 1_000 });
    expect(page.messages).toEqual(sms.toReversed());
    expect(await one.store.messages.replaceAll(sms.map((each) => nextOf(each)))).not.toContain(false);
  });

  test('wait within a bound for an owner that does not read, also those that have timed out', async () => {
    const clock = createFakeClock();
    let unread = 0;
    const client = createCallClient({
      peer: {
        send: (message) => {
          unread += weightOf(message);
        },
        later: () => {},
        onMessage: () => {},
        onClose: () => {},
      },
      clock,
      log: createMemoryLog(),
      onChannelMessage: () => {},
      onLost: () => {},
    });
    const text = 'x'.repeat(maxCallWeight / 2);
    for (let round = 0; round < 3; round++) {
      const calls = Promise.allSettled(Array.from({ length: 10 }, () => client.call('users.put', [text])));
      await nextTurn();
      for (let second = 0; second <= 30; second++) clock.advance(1_000);
      for (const { status } of await calls) expect(status).toBe('rejected');
    }
    expect(unread).toBeGreaterThan(maxPendingWeight / 2);
    expect(unread).toBeLessThan(1.01 * maxPendingWeight);
  });

  test('are bounded in number while the owner does not answer', async () => {
    const { store, pair } = openWith(users(never));
    const calls = Array.from({ length: maxPendingCalls }, () => store.users.list('', 9));
    for (const call of calls) call.catch(() => {});
    await expect(store.users.get(user.userId)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryAfter: 1,
      message: expect.stringContaining(`${maxPendingCalls} calls wait`),
    });
    pair.close();
  });

  test('that are unknown or malformed are refused, and hurt no other', async () => {
    const options = storeOptions(createFakeClock());
    const owner = createStoreOwner({ store: createMemoryStore(options), ...options });
    const { owner: end, client } = createPeerPair();
    owner.serve(end);
    const answers: unknown[] = [];
    client.onMessage((message) => answers.push(...(Array.isArray(message) ? message : [])));
    const send = (message: readonly unknown[]) => client.send(message, () => {});
    const refused = [
      'users.toString',
      '__proto__.get',
      'store.close',
      'limits.peekLocal',
      'users',
      'joinProcess',
    ];
    send(refused.map((name, index) => [index + 1, name, []]));
    send([null, {}, ['1', 'users.get', []], [1, 2, 3], [99, 'users.get', 'text'], [100, 'users.get', ['x']]]);
    await vi.waitFor(() => expect(answers).toHaveLength(refused.length + 1));
    for (const index of refused.keys())
      expect(answers).toContainEqual([index + 1, 1, expect.objectContaining({ code: 'INTERNAL' })]);
    expect(answers).toContainEqual([100]);
    owner.close();
  });

  test('without an answer fail in time, and a claim that arrives late is returned', async () => {
    const { one, other, clock } = openTwo();
    await one.store.inbound.put(waiting('a', 1));
    one.pair.hold();
    const failures = [
      one.store.inbound.claim(9, 9),
      one.store.inbound.putClaimed(waiting('new', 2)),
      one.store.users.get(user.userId),
    ].map((call) => Promise.resolve<unknown>(call).catch((error: unknown) => error));
    await nextTurn();
    for (let second = 0; second <= 30; second++) clock.advance(1_000);
    for (const error of await Promise.all(failures)) {
      expect(error).toMatchObject({
        code: 'UNAVAILABLE',
        retryAfter: 1,
        message: expect.stringMatching(/has not answered .* for 30 s/),
      });
    }
    // The owner continues, runs the calls, and gets the claims back.
    one.pair.release();
    const ids: string[] = [];
    await vi.waitFor(async () => {
      ids.push(...(await other.store.inbound.claim(9, 9)));
      expect(ids.toSorted()).toEqual(['a', 'new']);
    });
  });
});

describe('an owner that is gone', () => {
  test('fails all calls immediately, running ones too', async () => {
    const { store, pair, channels } = openWith(users(never));
    const running = store.users.list('', 9);
    pair.close();
    const gone = { code: 'UNAVAILABLE', message: expect.stringContaining('has ended') };
    await expect(running).rejects.toMatchObject(gone);
    await expect(store.users.get(user.userId)).rejects.toMatchObject(gone);
    await expect(store.probe()).rejects.toMatchObject(gone);
    await expect(async () => store.seeds.ping(seed)).rejects.toMatchObject(gone);
    await expect(store.shared?.leases.acquire('k', 1_000)).rejects.toMatchObject(gone);
    await expect(channels.publish('c', 'text')).rejects.toMatchObject(gone);
    await expect(channels.subscribe('c', () => {}).active()).rejects.toMatchObject(gone);
    // What never rejects does not reject.
    await store.limits.persist('ping:imsi:1');
    await store.close();
  });
});

test('an owner that closes refuses calls', async () => {
  const options = storeOptions(createFakeClock());
  const owner = createStoreOwner({ store: createMemoryStore(options), ...options });
  const pair = createPeerPair();
  owner.serve(pair.owner);
  const { store } = createRemoteStore({ peer: pair.client, ...options });
  await store.users.put(user);
  owner.close();
  await expect(store.users.get(user.userId)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('store is closed'),
  });
});

describe('a client that closes its store', () => {
  test('gets the answers of its calls, returns its claims, and calls no more', async () => {
    const { one, other } = openTwo();
    await one.store.inbound.put(waiting('a', 1));
    expect(await one.store.inbound.claim(9, 9)).toEqual(['a']);
    const last = one.store.users.put(user);
    await one.store.close();
    await last;
    await expect(one.store.users.get(user.userId)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('store is closed'),
    });
    expect(await other.store.inbound.claim(9, 9)).toEqual(['a']);
    expect(await other.store.users.get(user.userId)).toEqual(user);
  });

  test('waits no longer than its deadline for an owner that does not answer', async () => {
    const { store, pair, clock } = openWith({});
    pair.hold();
    const closing = store.close();
    clock.advance(3_000);
    await closing;
  });
});
