// Publishing on the memory store, with a directory and a Publisher that fail as a test says.

import { describe, expect, test, vi } from 'vitest';
import { createMessageDesk } from '../../src/domain/message-desk.ts';
import { createPublishing } from '../../src/domain/publishing.ts';
import { SwobError } from '../../src/errors.ts';
import { createMemoryStore } from '../../src/store/memory/store.ts';
import { storeOptions, user } from '../contract/store.ts';
import { createCaller } from '../support/caller.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';
import { encryptAsApp } from '../support/sms.ts';

const msisdn = '+237650393369';
const message = 'g:to@example.org:::subject:body';

async function createWorld() {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const caller = createCaller();
  const store = createMemoryStore(storeOptions(clock));
  await store.users.put(user);
  const directory = {
    userOf: vi.fn(async (number: string) => (number === msisdn ? user.userId : undefined)),
  };
  const publisher = { publish: vi.fn(async (..._args: string[]) => {}), close: async () => {} };
  const publishing = createPublishing({
    store,
    directory,
    publisher,
    clock,
    log,
    random: () => 1,
    maxAgeMs: 60_000,
    maxPauseMs: 300_000,
    keepFailedMs: 86_400_000,
    smsLimit: { count: 100, windowMs: 60_000 },
    isSender: (number) => /^\+\d+$/.test(number),
  });
  publishing.outbox.start();
  return {
    clock,
    log,
    caller,
    store,
    directory,
    publisher,
    publishing,
    desk: createMessageDesk(store, publishing.outbox),
    receive: (text: string, from = msisdn) =>
      publishing.receive({ platform: 'gateway-client', msisdn: from, text }, caller),
    settle: async () => {
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    },
  };
}

const sms = () => encryptAsApp(user.sharedKey, message);
const down = new SwobError('UNAVAILABLE', 'the Publisher at 127.0.0.1:9200 answered 503');
const refused = new SwobError('UPSTREAM', 'the Publisher at 127.0.0.1:9200 answered 400');

describe('an SMS', () => {
  test('is decrypted and published, with an id that it keeps', async () => {
    const world = await createWorld();
    const { id, answer } = await world.receive(sms());
    expect(answer).toBe('published');
    expect(world.publisher.publish.mock.calls).toEqual([[id, msisdn, message]]);
    const trace = await world.desk.trace(id);
    expect(trace.state).toBe('published');
    expect(trace.life.map(({ what }) => what)).toEqual(['received by gateway-client', 'published']);
  });

  test('the same again is published once and gets the same answer, line breaks or not', async () => {
    const world = await createWorld();
    const text = sms();
    const first = await world.receive(text);
    expect(await world.receive(text)).toEqual(first);
    expect(await world.receive(`${text.replace(/.{76}/g, '$&\n')}\n`)).toEqual(first);
    // Both layers may hold white space.
    const inner = `${Buffer.from(text, 'base64').toString('latin1')}\n`;
    expect(await world.receive(Buffer.from(inner, 'latin1').toString('base64'))).toEqual(first);
    expect(world.publisher.publish).toHaveBeenCalledTimes(1);
  });

  test('the same many times at once is published once', async () => {
    const world = await createWorld();
    const text = sms();
    const all = await Promise.all(Array.from({ length: 20 }, () => world.receive(text)));
    expect(new Set(all.map(({ answer }) => answer))).toEqual(new Set(['published']));
    expect(world.publisher.publish).toHaveBeenCalledTimes(1);
  });

  test('of another sender is another one', async () => {
    const world = await createWorld();
    world.directory.userOf.mockResolvedValue(user.userId);
    const text = sms();
    const one = await world.receive(text);
    const two = await world.receive(text, '+237650000000');
    expect(one.id).not.toBe(two.id);
    expect(world.publisher.publish).toHaveBeenCalledTimes(2);
  });

  test('is kept while the Publisher is down, and then published once; its answer stays the same', async () => {
    const world = await createWorld();
    world.publisher.publish.mockRejectedValueOnce(down).mockRejectedValueOnce(down);
    const text = sms();
    const { id, answer } = await world.receive(text);
    expect(answer).toBe('accepted');
    expect(await world.receive(text)).toEqual({ id, answer: 'accepted' });
    expect((await world.desk.trace(id)).state).toBe('waiting');
    for (let second = 0; second < 3; second++) {
      world.clock.advance(1_000);
      await world.settle();
    }
    expect(world.publisher.publish).toHaveBeenCalledTimes(3);
    expect(new Set(world.publisher.publish.mock.calls.map(String))).toEqual(
      new Set([String([id, msisdn, message])]),
    );
    expect(await world.receive(text)).toEqual({ id, answer: 'accepted' });
    const trace = await world.desk.trace(id);
    expect(trace.state).toBe('published');
    expect(trace.life.map(({ what }) => what)).toEqual([
      'received by gateway-client',
      `attempt 1 failed: ${down.message}`,
      `attempt 2 failed: ${down.message}`,
      'published',
    ]);
  });

  test('that was decrypted once is published even when its sender has paired anew meanwhile', async () => {
    const world = await createWorld();
    world.publisher.publish.mockRejectedValueOnce(down);
    await world.receive(sms());
    await world.store.users.put({ ...user, sharedKey: 'f'.repeat(32) });
    world.clock.advance(1_000);
    await world.settle();
    expect(world.publisher.publish.mock.calls.at(-1)?.[2]).toBe(message);
    expect(await world.store.inbound.count()).toEqual({ waiting: 0, failed: 0 });
  });

  test('is kept while nobody can tell whose number it is', async () => {
    const world = await createWorld();
    world.directory.userOf.mockRejectedValueOnce(new SwobError('UPSTREAM', 'the back end failed'));
    expect((await world.receive(sms())).answer).toBe('accepted');
    expect(world.publisher.publish).not.toHaveBeenCalled();
    world.clock.advance(1_000);
    await world.settle();
    expect(world.publisher.publish).toHaveBeenCalledTimes(1);
  });

  test('that turns out not to be for us once somebody can tell is dropped, and nothing is sent', async () => {
    const world = await createWorld();
    world.directory.userOf.mockRejectedValueOnce(new SwobError('UPSTREAM', 'the back end failed'));
    const { id } = await world.receive(sms(), '+237699999999');
    world.clock.advance(1_000);
    await world.settle();
    await expect(world.desk.trace(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await world.store.inbound.count()).toEqual({ waiting: 0, failed: 0 });
    expect(world.publisher.publish).not.toHaveBeenCalled();
  });

  test('is not kept when nobody has the time to tell whose it is: strangers are not to fill the outbox', async () => {
    const world = await createWorld();
    world.directory.userOf.mockRejectedValueOnce(new SwobError('UNAVAILABLE', 'too many questions'));
    await expect(world.receive(sms())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await world.store.inbound.count()).toEqual({ waiting: 0, failed: 0 });
  });

  test('that has to wait takes the place of the oldest that was given up, never of one that waits', async () => {
    const world = await createWorld();
    world.publisher.publish.mockRejectedValue(refused);
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      world.clock.advance(1);
      ids.push((await world.receive(sms())).id);
    }
    world.publisher.publish.mockRejectedValue(down);
    const put = world.store.inbound.put;
    const full = new SwobError('UNAVAILABLE', 'full', { noRoom: true });
    vi.spyOn(world.store.inbound, 'put').mockImplementation(async (parcel) => {
      const { waiting, failed } = await world.store.inbound.count();
      if (waiting + failed >= 3 && !(await world.store.inbound.get(parcel.id))) throw full;
      return put(parcel);
    });
    expect((await world.receive(sms())).answer).toBe('accepted');
    expect((await world.desk.failed(9)).map(({ id }) => id)).toEqual(ids.slice(1));
    await world.receive(sms());
    await world.receive(sms());
    expect(await world.store.inbound.count()).toEqual({ waiting: 3, failed: 0 });
    await expect(world.receive(sms())).rejects.toBe(full);
  });

  test('that was given up can be dropped, once', async () => {
    const world = await createWorld();
    world.publisher.publish.mockRejectedValueOnce(refused);
    const { id } = await world.receive(sms());
    await world.desk.drop(id);
    await expect(world.desk.drop(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await world.desk.failed(9)).toEqual([]);
  });

  test('that the Publisher refuses for good is given up at once, kept, and can be tried again', async () => {
    const world = await createWorld();
    world.publisher.publish.mockRejectedValueOnce(refused);
    const { id, answer } = await world.receive(sms());
    expect(answer).toBe('accepted');
    const [failed, ...others] = await world.desk.failed(10);
    expect(others).toEqual([]);
    expect(failed).toMatchObject({ id, state: 'given up', msisdn, attempts: 1 });
    expect(JSON.stringify(failed)).not.toContain('subject');
    await expect(world.desk.retry('0'.repeat(32))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await world.desk.retry(id);
    await world.settle();
    expect((await world.desk.trace(id)).state).toBe('published');
    expect(await world.desk.failed(10)).toEqual([]);
  });

  test('too old is given up after max_age, and all of them can be tried again', async () => {
    const world = await createWorld();
    world.publisher.publish.mockRejectedValue(down);
    const texts = Array.from({ length: 7 }, sms);
    for (const text of texts) expect((await world.receive(text)).answer).toBe('accepted');
    for (let second = 0; second < 130; second++) {
      world.clock.advance(1_000);
      await world.settle();
    }
    expect(await world.store.inbound.count()).toEqual({ waiting: 0, failed: 7 });
    world.publisher.publish.mockResolvedValue();
    expect(await world.desk.retryOldest()).toEqual({ retried: 7, left: 0 });
    await world.settle();
    expect(await world.store.inbound.count()).toEqual({ waiting: 0, failed: 0 });
  });

  test('is answered UNAVAILABLE when it can neither be published nor kept', async () => {
    const world = await createWorld();
    world.publisher.publish.mockRejectedValue(down);
    vi.spyOn(world.store.inbound, 'put').mockRejectedValue(new SwobError('UNAVAILABLE', 'disk full'));
    const text = sms();
    await expect(world.receive(text)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    // Nothing is remembered of it: offered again, it is tried again.
    world.publisher.publish.mockResolvedValue();
    expect((await world.receive(text)).answer).toBe('published');
  });

  test('that is published is never sent again because its receipt cannot be written', async () => {
    const world = await createWorld();
    const put = world.store.published.put;
    vi.spyOn(world.store.published, 'put').mockImplementation(async (key, value) => {
      await put(key, value);
      throw new SwobError('UNAVAILABLE', 'disk full');
    });
    const text = sms();
    expect((await world.receive(text)).answer).toBe('published');
    expect((await world.receive(text)).answer).toBe('published');
    expect(world.publisher.publish).toHaveBeenCalledTimes(1);
  });

  test('left behind by a process that was killed after publishing it is not sent again', async () => {
    const world = await createWorld();
    world.publisher.publish.mockRejectedValueOnce(down);
    const { id } = await world.receive(sms());
    await world.store.published.put(id, { answer: 'accepted', life: [] });
    world.clock.advance(1_000);
    await world.settle();
    expect(world.publisher.publish).toHaveBeenCalledTimes(1);
    expect(await world.store.inbound.get(id)).toBeUndefined();
  });
});

describe('an SMS that is not for us', () => {
  test.each([
    ['an ordinary one', 'hello'],
    ['an unknown sender', encryptAsApp(user.sharedKey, message), '+237600000000'],
    ['a sender without a number', encryptAsApp(user.sharedKey, message), 'MTN'],
    ['another key', encryptAsApp('0'.repeat(32), message)],
    ['the key of nobody, from nobody', encryptAsApp('0'.repeat(32), message), '+237600000000'],
    ['no text inside', encryptAsApp(user.sharedKey, '')],
    ['bytes that are no UTF-8', encryptAsApp(user.sharedKey, Buffer.from([0xff, 0xfe, 0x80]))],
  ])('%s is refused, published nowhere, kept nowhere', async (_what, text, from = msisdn) => {
    const world = await createWorld();
    expect((await world.receive(text, from)).answer).toBe('refused');
    expect(world.publisher.publish).not.toHaveBeenCalled();
    expect(await world.store.inbound.count()).toEqual({ waiting: 0, failed: 0 });
    // Whoever pairs later can still be published.
    expect((await world.receive(sms())).answer).toBe('published');
  });

  test('costs the systems behind nothing when its form tells', async () => {
    const world = await createWorld();
    await world.receive('hello');
    await world.receive(sms(), 'MTN');
    expect(world.directory.userOf).not.toHaveBeenCalled();
  });
});

test('an address that sends too much is limited, whoever it sends for', async () => {
  const world = await createWorld();
  for (let n = 0; n < 100; n++) await world.receive('hello', `+1${n}`);
  await expect(world.receive('hello', '+2')).rejects.toMatchObject({ code: 'LIMITED' });
});

test('a sender who sends too much is limited, wherever it comes in', async () => {
  const world = await createWorld();
  const from = (text: string, number: string, address: string) =>
    world.publishing.receive({ platform: 'twilio', msisdn: number, text }, createCaller(address));
  for (let n = 0; n < 100; n++) await from(sms(), msisdn, `192.0.2.${n}`);
  await expect(from(sms(), msisdn, '192.0.2.200')).rejects.toMatchObject({ code: 'LIMITED' });
  expect((await from(sms(), '+237650000000', '192.0.2.200')).answer).toBe('refused');
});

test('what is no sender leaves no trace in memory, however long it is', async () => {
  const world = await createWorld();
  const take = vi.spyOn(world.store.limits, 'take');
  await world.receive(sms(), 'x'.repeat(100_000));
  expect(take.mock.calls.map(([key]) => key)).toEqual(['sms:address:192.0.2.1']);
});

test('nothing that is logged says what a message says, or who sent it', async () => {
  const world = await createWorld();
  world.publisher.publish.mockRejectedValueOnce(refused);
  await world.receive(sms());
  await world.receive(sms());
  const written = JSON.stringify([world.log.lines, world.caller.log.lines]);
  expect(written).toContain('published');
  for (const secret of [message, 'subject', user.sharedKey, msisdn]) expect(written).not.toContain(secret);
});
