import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import type { OutgoingMessage } from '../../../src/domain/outgoing/message.ts';
import type { Store } from '../../../src/domain/store.ts';
import { openLowdbStore } from '../../../src/store/lowdb/store.ts';
import { storeOptions, user } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { fileHandlePrototype } from '../../support/file-handle.ts';
import { filesIn, temporaryFolder } from '../../support/folders.ts';
import { createMemoryLog } from '../../support/log.ts';
import { messageOf, nextOf, waitingSms } from '../../support/outgoing-messages.ts';
import { crashImage, fillDiskHalfway, openStore } from './support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const everything = async ({ messages }: Store) => (await messages.list({}, { limit: 1_000 })).messages;
const replace = async ({ messages }: Store, next: OutgoingMessage) => {
  const [isReplaced] = await messages.replaceAll([next]);
  return isReplaced;
};
const lineCount = async (folder: string): Promise<number> => {
  const names = await readdir(join(folder, 'messages'));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, 'messages', name), 'utf8')));
  return texts.join('').split('\n').length;
};

test('messages and waiting SMS survive closing and opening, and a crash just after the acknowledgement', async () => {
  const { store, folder, clock } = await openStore();
  const [a, b, c] = [1, 2, 3].map((n) => messageOf(clock.now(), { reviewAt: n })) as [
    OutgoingMessage,
    OutgoingMessage,
    OutgoingMessage,
  ];
  await store.messages.add([a, b, c]);
  const { reviewAt: _, ...later } = nextOf(a, { state: 'sent' });
  await replace(store, later);
  await store.messages.remove([b.id]);
  await store.waitingSms.put(waitingSms);
  const crashed = await openStore({ folder: await crashImage(folder), clock });
  await store.close();
  const closed = await openStore({ folder, clock });
  for (const after of [crashed, closed]) {
    expect(await everything(after.store)).toEqual([c, later]);
    expect(await after.store.messages.due(99, 9)).toEqual([c.id]);
    expect(await after.store.messages.ofRequest('dev', a.uuid, 9)).toEqual([later, c]);
    expect(await after.store.messages.count()).toMatchObject({ queued: 1, sent: 1 });
    expect(await after.store.waitingSms.get(waitingSms.id)).toEqual(waitingSms);
    expect(after.log.lines).toEqual([]);
  }
  await expect(store.messages.add([messageOf(0)])).rejects.toThrow('the store is closed');
  await expect(replace(store, nextOf(later))).rejects.toThrow('the store is closed');
});

test('a folder of an earlier version opens as it is', async () => {
  const { store, folder, clock } = await openStore();
  await store.users.put(user);
  await store.close();
  const files = async () => (await filesIn(folder)).filter((name) => !name.startsWith('lock.'));
  const before = await files();
  expect(before.filter((name) => /messages|waiting/.test(name))).toEqual([]);
  const { store: again } = await openStore({ folder, clock });
  expect(await again.users.get(user.userId)).toEqual(user);
  await again.close();
  expect(await files()).toEqual(before);
});

test('a batch is one sync, and a failed write changes nothing', async () => {
  const { store, folder, clock } = await openStore();
  const first = messageOf(clock.now());
  await store.messages.add([first]);
  const datasync = vi.spyOn(await fileHandlePrototype(), 'datasync');
  const batch = Array.from({ length: 4 }, () => messageOf(clock.now()));
  await store.messages.add(batch);
  expect(datasync).toHaveBeenCalledTimes(1);
  await store.messages.replaceAll(batch.map((message) => nextOf(message)));
  await store.messages.remove(batch.slice(2).map(({ id }) => id));
  expect(datasync).toHaveBeenCalledTimes(3);
  await fillDiskHalfway();
  const failed = messageOf(clock.now());
  await expect(store.messages.add([failed])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expect(replace(store, nextOf(first))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(await store.messages.get(failed.id)).toBeUndefined();
  expect(await store.messages.get(first.id)).toEqual(first);
  vi.restoreAllMocks();
  expect(await store.messages.add([failed])).toEqual([]);
  expect(await replace(store, nextOf(first))).toBe(true);
  const after = await openStore({ folder: await crashImage(folder), clock });
  expect(await everything(after.store)).toHaveLength(4);
});

test('the age of messages continues over a restart', async () => {
  const { store, folder, clock } = await openStore();
  const message = messageOf(clock.now());
  await store.messages.add([message]);
  clock.advance(50_000);
  await replace(store, nextOf(message));
  await store.close();
  const later = createFakeClock(clock.now() + 9_999);
  const again = await openStore({ folder, clock: later });
  expect(await again.store.messages.get(message.id)).toEqual(nextOf(message));
  later.advance(1);
  expect(await again.store.messages.get(message.id)).toBeUndefined();
});

test('the files stay small while one message waits, and none of those that left comes back', async () => {
  const { store, folder, clock } = await openStore();
  const [waiting, gone] = [messageOf(clock.now(), { handover: 'pending' }), messageOf(clock.now())];
  await store.messages.add([waiting, gone]);
  await store.messages.remove([gone.id]);
  for (let n = 0; n < 80; n++) {
    const message = messageOf(clock.now() + n);
    await store.messages.add([message]);
    await replace(store, nextOf(message, { state: 'sent' }));
    await replace(store, nextOf(nextOf(message), { state: 'delivered' }));
  }
  const kept = await everything(store);
  expect(kept).toHaveLength(30);
  expect(kept.at(-1)).toEqual(waiting);
  // Each of 30 messages has four lines with the one of its removal, and is written again now and then.
  await vi.waitFor(async () => expect(await lineCount(folder)).toBeLessThan(120));
  const after = await openStore({ folder: await crashImage(folder), clock });
  expect(await everything(after.store)).toEqual(kept);
});

test('a message that is evicted while it is replaced does not have another one evicted after a restart', async () => {
  const clock = createFakeClock();
  const folder = temporaryFolder();
  const options = { ...storeOptions(clock), log: createMemoryLog(), messages: { ttlMs: 60_000, max: 3 } };
  const store = await openLowdbStore({ ...options, folder });
  onTestFinished(() => store.close());
  const [oldest, other, last] = [1, 2, 3].map((n) => messageOf(clock.now() + n)) as [
    OutgoingMessage,
    OutgoingMessage,
    OutgoingMessage,
  ];
  await store.messages.add([oldest, other, last]);
  const added = messageOf(clock.now() + 4);
  const delivered = nextOf(other, { state: 'delivered' });
  const replaced = await Promise.all([
    store.messages.add([added]),
    replace(store, delivered),
    replace(store, nextOf(oldest, { state: 'sent' })),
  ]);
  expect(replaced).toEqual([[], true, false]);
  expect(await everything(store)).toEqual([added, last, delivered]);
  await store.close();
  const after = await openLowdbStore({ ...options, folder });
  onTestFinished(() => after.close());
  expect(await everything(after)).toEqual([added, last, delivered]);
});

test('a lower maximum evicts those in a final state first, and they do not come back', async () => {
  const { store, folder, clock } = await openStore();
  const [oldest, other, last] = [1, 2, 3].map((n) => messageOf(clock.now() + n)) as [
    OutgoingMessage,
    OutgoingMessage,
    OutgoingMessage,
  ];
  await store.messages.add([oldest, other, last]);
  const delivered = nextOf(other, { state: 'delivered' });
  await replace(store, delivered);
  await store.close();
  const options = { ...storeOptions(clock), log: createMemoryLog(), folder };
  for (const max of [2, 3]) {
    const lower = await openLowdbStore({ ...options, messages: { ttlMs: 60_000, max } });
    expect(await everything(lower)).toEqual([last, oldest]);
    await lower.close();
  }
});

test('whatever happens to messages, a power cut at any time brings back what was there', async () => {
  const command = fc.record({
    kind: fc.constantFrom('add' as const, 'replace' as const, 'replace' as const, 'remove' as const),
    which: fc.nat(9),
    final: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 90 }), async (commands) => {
      const clock = createFakeClock();
      const folder = temporaryFolder();
      const options = { ...storeOptions(clock), log: createMemoryLog(), messages: { ttlMs: 60_000, max: 6 } };
      const store = await openLowdbStore({ ...options, folder });
      onTestFinished(() => store.close());
      const run = async ({ kind, which, final }: (typeof commands)[number]): Promise<void> => {
        const id = String(which + 1);
        const known = await store.messages.get(id);
        if (kind === 'add') await store.messages.add([messageOf(clock.now(), { id })]);
        else if (kind === 'remove') await store.messages.remove([id]);
        else if (known) await replace(store, nextOf(known, { state: final ? 'delivered' : 'sent' }));
      };
      for (let at = 0; at < commands.length; at += 3) {
        clock.advance(1);
        await Promise.all(commands.slice(at, at + 3).map(run));
      }
      // The removal lines of those that were evicted last are on disk with the next write.
      await store.messages.add([messageOf(clock.now(), { id: '99' })]);
      await store.messages.remove(['99']);
      const image = await openLowdbStore({ ...options, folder: await crashImage(folder) });
      expect(await everything(image)).toEqual(await everything(store));
      await image.close();
    }),
    { numRuns: 15 },
  );
});
