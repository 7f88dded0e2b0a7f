// A complete store with one flipped bit or one truncated file, anywhere: each read returns the written value, or the
// file is named.

import { cp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { Store } from '../../../src/domain/store.ts';
import type { MaybePromise } from '../../../src/lib/maybe-promise.ts';
import { checkIntegrity } from '../../../src/store/lowdb/integrity-check.ts';
import { openLowdbStore } from '../../../src/store/lowdb/store.ts';
import { disconnectOf } from '../../contract/disconnects.ts';
import { deadLetter, entry, waiting } from '../../contract/outboxes.ts';
import { seed, storeOptions, user } from '../../contract/store.ts';
import { receipt, storedResponse } from '../../contract/ttl-stores.ts';
import { effort } from '../../support/effort.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { filesIn, temporaryFolder } from '../../support/folders.ts';
import { createMemoryLog } from '../../support/log.ts';
import { messageOf, waitingSms } from '../../support/outgoing-messages.ts';
import { crashImage } from './support.ts';

const now = 1_648_206_122_814;
const keys = (count: number) => Array.from({ length: count }, (_, n) => `${n}`);
const imsis = ['1', '2', '3'];
const ids = ['a', 'b', 'c', 'd', 'under way', 'done'];
const usedUp = 'password:user:alice';
const limit = { count: 3, windowMs: 900_000 };
const message = messageOf(now);
const disconnects = [disconnectOf(now), disconnectOf(now, { outcome: 'refused' })];
const reliabilityTest = { id: 7, msisdn: '+237650000001', startedAt: now };
const callback = { ...entry, content: { url: 'https://example.com/', body: '{"é":1}' } };

async function fill(folder: string, closed = true): Promise<void> {
  const store = await openLowdbStore({ ...storeOptions(createFakeClock(now)), folder });
  for (const imsi of imsis) await store.seeds.ping({ ...seed, imsi, lps: now / 1_000 });
  for (const userId of ids) await store.users.put({ ...user, userId });
  for (const id of ids.slice(0, 4)) await store.inbound.put(id < 'c' ? waiting(id, 1) : deadLetter(id, 2));
  for (const id of ids.slice(4)) await store.inbound.putClaimed(waiting(id, 1));
  await store.inbound.settle('done', undefined);
  await store.callbacks.put(callback);
  // Spans two files.
  for (const key of keys(60)) await store.receipts.put(key, receipt);
  for (const key of keys(3)) await store.responses.put(key, storedResponse);
  await store.messages.add([message]);
  await store.waitingSms.put(waitingSms);
  await store.tests.add(reliabilityTest);
  await store.signOuts.put('session', { at: now });
  for (const each of disconnects) await store.disconnects.add(each);
  await store.clients.record([{ msisdn: '+237650000001', lastDeliveryAt: now }]);
  await store.monitoring.saveHistory({ node: 'node', savedAt: now, text: '{}' });
  for (let n = 0; n < 3; n++) await store.limits.consume(usedUp, limit);
  await store.limits.persist(usedUp);
  if (closed) await store.close();
  else onTestFinished(() => store.close());
}

/** All values by the keys of their reads; a failed read gives its error. */
async function contentOf(store: Store): Promise<Map<string, unknown>> {
  const content = new Map<string, unknown>();
  const read = async (name: string, value: MaybePromise<unknown>): Promise<void> => {
    content.set(name, await Promise.resolve(value).catch((error: unknown) => error));
  };
  for (const imsi of imsis) {
    await read(`seed ${imsi}`, store.seeds.get(imsi));
    await read(`active ${imsi}`, store.seeds.getActive(imsi, 20_000));
  }
  for (const id of ids) {
    await read(`user ${id}`, store.users.get(id));
    await read(`inbound ${id}`, store.inbound.get(id));
  }
  await read('callback', store.callbacks.get(callback.id));
  for (const { id } of disconnects) await read(`disconnect ${id}`, store.disconnects.get(id));
  await read('reliability test', store.tests.get(reliabilityTest.id));
  await read('sign-out', store.signOuts.get('session'));
  await read(
    'client',
    store.clients.list().then(([client]) => client),
  );
  await read('history', store.monitoring.history('node'));
  await read('message', store.messages.get(message.id));
  await read('waiting SMS', store.waitingSms.get(waitingSms.id));
  for (const key of keys(60)) await read(`receipt ${key}`, store.receipts.get(key));
  for (const key of keys(3)) await read(`response ${key}`, store.responses.get(key));
  await read(
    'limit',
    store.limits.peek(usedUp, limit).then((seconds) => seconds || undefined),
  );
  return content;
}

/** Opens the store and reads everything; `reports` holds its reports of damage. */
async function readStore(folder: string): Promise<{ content: Map<string, unknown>; reports: string }> {
  const log = createMemoryLog();
  const clock = createFakeClock(now);
  let content = new Map<string, unknown>();
  let refused = '';
  try {
    const store = await openLowdbStore({ ...storeOptions(clock), log, folder });
    content = await contentOf(store);
    await store.close();
  } catch (error) {
    refused = String(error);
  }
  const failures = [...content.values()].filter((value) => value instanceof Error).map(String);
  return { content, reports: [refused, ...failures, JSON.stringify(log.lines)].join('\n') };
}

type Damage = { readonly file: number; readonly at: number; readonly bit: number | 'cut' };
const damages: fc.Arbitrary<Damage> = fc.record({
  file: fc.nat(),
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  bit: fc.oneof({ weight: 2, arbitrary: fc.nat(7) }, { weight: 1, arbitrary: fc.constant('cut' as const) }),
});

test('names any damage or loses nothing by it, and never returns a wrong value', async () => {
  const filled = temporaryFolder();
  await fill(filled);
  await expectNamed(filled, damages);
});

test('names a flipped bit in the journal of users that a kill has left, or loses nothing by it', async () => {
  const live = temporaryFolder();
  await fill(live, false);
  // Lines that are missing at the end of a journal cannot be missed after a kill.
  await expectNamed(
    await crashImage(live),
    damages.filter(({ bit }) => bit !== 'cut'),
    /^user/,
  );
});

/** Damages the files, and compares the values, whose names match. */
async function expectNamed(filled: string, arbitrary: fc.Arbitrary<Damage>, names = /./): Promise<void> {
  const files = (await filesIn(filled)).filter((name) => names.test(name));
  expect(files.length).toBeGreaterThan(names.source === '.' ? 15 : 0);
  const complete = await readStore(await copyOf(filled));
  expect(complete.reports).toBe('\n[]');
  const missing = [...complete.content].filter(([, value]) => value === undefined);
  expect(missing.map(([key]) => key)).toEqual(['inbound done']);

  await fc.assert(
    fc.asyncProperty(arbitrary, async ({ file, at, bit }) => {
      const name = files[file % files.length] ?? '';
      const folder = await copyOf(filled);
      const path = join(folder, name);
      const bytes = await readFile(path);
      const index = Math.floor(at * bytes.length);
      if (bit === 'cut') await truncate(path, index);
      else
        await writeFile(
          path,
          bytes.map((byte, n) => (n === index ? byte ^ (1 << bit) : byte)),
        );

      const { content, reports } = await readStore(folder);
      const isNamed = reports.includes(path);
      for (const [key, value] of complete.content) {
        if (!names.test(key)) continue;
        const found = content.get(key);
        if (isNamed && (found === undefined || found instanceof Error)) continue;
        expect(found, key).toEqual(value);
      }
    }),
    { numRuns: 20 * effort },
  );
}

async function copyOf(filled: string): Promise<string> {
  const folder = temporaryFolder();
  await cp(filled, folder, { recursive: true });
  return folder;
}

test.runIf(process.platform === 'linux')('an unreadable file is named like a damaged one', async () => {
  const folder = temporaryFolder();
  await fill(folder);
  const names = (await filesIn(folder)).filter((name) =>
    /^(lps\.json|seeds|users|inbound|published)/.test(name),
  );
  for (const name of names) {
    const damaged = await copyOf(folder);
    await rm(join(damaged, name));
    // Reading it fails with EIO.
    await symlink('/proc/self/mem', join(damaged, name));
    const { content, reports } = await readStore(damaged);
    expect(reports).toContain(`${join(damaged, name)} is damaged (the disk cannot read it: EIO)`);
    expect(content.get('response 0')).toEqual(storedResponse);
  }
});

test.runIf(process.platform === 'linux')(
  'a read-only check of a store names files that the disk cannot read',
  async () => {
    const live = temporaryFolder();
    await fill(live, false);
    const folder = await crashImage(live);
    const names = ['user-journal/1.ndjson', 'disconnects/1.ndjson', 'history.json'];
    for (const name of names) {
      await rm(join(folder, name));
      // Reading it fails with EIO.
      await symlink('/proc/self/mem', join(folder, name));
    }
    const { damagedOthers } = await checkIntegrity(folder, AbortSignal.timeout(10_000));
    expect(damagedOthers.toSorted()).toEqual(
      names.toSorted().map((name) => expect.stringContaining(`${join(folder, name)} is damaged`)),
    );
  },
);

test('a read-only check of a store names damaged lines in all files of lines', async () => {
  const live = temporaryFolder();
  await fill(live, false);
  const folder = await crashImage(live);
  const files = (await filesIn(folder)).filter((name) => name.endsWith('.ndjson'));
  expect(new Set(files.map((name) => name.split('/')[0])).size).toBe(11);
  for (const name of files) {
    const text = await readFile(join(folder, name), 'utf8');
    await writeFile(join(folder, name), text.replace('"record"', '"recorb"'));
    const { damagedOthers } = await checkIntegrity(folder, AbortSignal.timeout(10_000));
    expect(damagedOthers).toEqual([expect.stringContaining(`${join(folder, name)} line 1 is damaged`)]);
    await writeFile(join(folder, name), text);
  }
});
