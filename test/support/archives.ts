// Random stores as records, and files of them. Used by the tests of `store export` and `import`.

import fc from 'fast-check';
import {
  encodings,
  handovers,
  messageStates,
  type OutgoingMessage,
} from '../../src/domain/outgoing/message.ts';
import { disconnectOutcomes, recordIdOf } from '../../src/domain/wifi/audit-model.ts';
import type { ArchivedRecord, StoreArchive } from '../../src/store/archive/archive.ts';
import { readArchive, writeArchive } from '../../src/store/archive/file.ts';
import { anyText } from './any-text.ts';

const header = { made: '2022-03-25T11:02:02.814Z', by: 'swob test' };

/** The archive file of these records. */
export async function fileOf(
  records: Iterable<ArchivedRecord> | AsyncIterable<ArchivedRecord>,
): Promise<string> {
  async function* each() {
    yield* records;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of writeArchive(header, each())) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The lines of a store's records, in a canonical order where the store defines none. */
export async function linesOf(archive: StoreArchive): Promise<{ sorted: string[]; expiring: string[] }> {
  const lines = (await fileOf(archive.records())).trim().split('\n').slice(1, -1);
  return { sorted: lines.toSorted(), expiring: lines.filter((line) => line.includes('"until"')) };
}

/** Reads a file in chunks of `chunkBytes`. */
export async function recordsOf(file: string | Buffer, chunkBytes = 1_000): Promise<ArchivedRecord[]> {
  const bytes = Buffer.from(file);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
  const records: ArchivedRecord[] = [];
  for await (const record of readArchive('backup.jsonl', chunks())) records.push(record);
  return records;
}

const disconnect = (now: number) =>
  fc
    .record(
      {
        at: fc.integer({ min: now - 20_000, max: now }),
        suffix: fc.stringMatching(/^[0-9a-f]{8}$/),
        requestId: fc.stringMatching(/^[a-z0-9-]{1,20}$/),
        address: fc.ipV4(),
        outcome: fc.constantFrom(...disconnectOutcomes),
        durationMs: fc.nat(),
        user: anyText({ maxLength: 12 }),
        mac: fc.constantFrom('FC-45-96-5F-50-AC', '02-00-00-00-00-01'),
        reports: fc.array(
          fc.record({
            backend: fc.constantFrom('pcrf' as const, 'radius' as const),
            kind: fc.constant('disconnected' as const),
            attempts: fc.nat(9),
            durationMs: fc.nat(),
          }),
          { maxLength: 2 },
        ),
      },
      { requiredKeys: ['at', 'suffix', 'requestId', 'address', 'outcome', 'durationMs', 'reports'] },
    )
    .map(({ suffix, ...record }) => ({ id: recordIdOf(record.at, suffix), ...record }));

const text = fc.oneof(
  anyText({ maxLength: 12 }),
  fc.constantFrom('\ud800', '"', '"\\', 'é', 'e\u0301', '*', '{seeds}', 'a\r\nb', '\u2028', '__proto__'),
);
const time = fc.integer({ min: 0, max: 2_000_000_000_000 });
const history = fc.array(fc.record({ at: time, event: text }), { maxLength: 3 });
const entryOf = <T>(content: fc.Arbitrary<T>) =>
  fc.record({
    id: fc.stringMatching(/^[A-Za-z0-9-]{1,20}$/),
    content,
    since: time,
    dueAt: fc.option(time),
    attempts: fc.nat(99),
    history,
  });
const sms = fc.record(
  { platform: text, msisdn: text, text, message: text },
  { requiredKeys: ['platform', 'msisdn', 'text'] },
);

const states = fc.constantFrom(...messageStates);
const message = (now: number) =>
  fc
    .record({
      id: fc.integer({ min: 1, max: 2 ** 31 - 1 }).map(String),
      uuid: text,
      index: fc.nat(999),
      authId: text,
      number: text,
      operatorName: text,
      encoding: fc.constantFrom(...encodings),
      parts: fc.nat(255),
      state: states,
      times: fc.record(
        { queued: fc.integer({ min: now - 20_000, max: now }), sent: time },
        { requiredKeys: ['queued'] },
      ),
      reason: fc.option(text, { nil: undefined }),
      handover: fc.constantFrom(...handovers),
      acceptedAt: fc.option(time, { nil: undefined }),
      route: fc.option(text, { nil: undefined }),
      scheduledAt: fc.option(time, { nil: undefined }),
      sentParts: fc.array(fc.nat(255), { maxLength: 2 }),
      deliveredParts: fc.array(fc.nat(255), { maxLength: 2 }),
      callbacks: fc.option(
        fc.record({
          urls: fc.array(text, { maxLength: 2 }),
          events: fc.array(states, { maxLength: 2 }),
        }),
        { nil: undefined },
      ),
      unreported: fc.array(states, { maxLength: 2 }),
      reviewAt: fc.option(time, { nil: undefined }),
      revision: fc.nat(),
    })
    // In JSON, absent members are not undefined ones.
    .map((record): OutgoingMessage => JSON.parse(JSON.stringify(record)));
const waitingSms = fc.record({
  messageId: text,
  sms: fc.record({
    authId: text,
    operatorName: text,
    number: text,
    text,
    callingCode: fc.option(text),
    networkCodes: fc.array(text, { maxLength: 2 }),
    sid: text,
  }),
  retryUntil: fc.nat(),
});

/** A few records of each kind; times to live end between `now` and `now` + 20 s. */
export function randomStore(now: number): fc.Arbitrary<ArchivedRecord[]> {
  const until = fc.integer({ min: now + 1, max: now + 20_000 });
  const unique = <T>(item: fc.Arbitrary<T>, id: (item: T) => string) =>
    fc.uniqueArray(item, { selector: id, maxLength: 5 });
  // In order of expiry, which is the order of insertion.
  const expiring = <T>(record: fc.Arbitrary<T>) =>
    unique(fc.record({ key: text, until, record }), ({ key }) => key).map((records) =>
      records.toSorted((a, b) => a.until - b.until),
    );
  return fc
    .record({
      seeds: unique(
        fc.record({
          imsi: fc.stringMatching(/^\d{5,15}$/),
          msisdn: text,
          seedType: fc.constantFrom('seed' as const, 'seeder' as const),
          lps: fc.oneof(
            fc.double({ min: 0, max: 2e9, noNaN: true }),
            fc.double({ min: now / 1_000 - 30, max: now / 1_000 + 5, noNaN: true }),
          ),
        }),
        ({ imsi }) => imsi,
      ),
      users: unique(
        fc.record({
          userId: text,
          sessionId: text,
          publicKey: text,
          sharedKey: text,
          pairedAt: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
          passwordDigests: fc.array(text, { maxLength: 3 }),
        }),
        ({ userId }) => userId,
      ),
      inbound: unique(entryOf(sms), ({ id }) => id),
      callbacks: unique(entryOf(fc.record({ url: text, body: text })), ({ id }) => id),
      receipts: expiring(
        fc.record({ reply: fc.constantFrom('published' as const, 'accepted' as const), history }),
      ),
      responses: expiring(fc.record({ request: text, body: text })),
      clients: unique(fc.record({ msisdn: text, lastDeliveryAt: time }), ({ msisdn }) => msisdn),
      tests: unique(
        fc.record(
          {
            id: fc.nat(),
            msisdn: text,
            startedAt: fc.integer({ min: now - 20_000, max: now }),
            routedAt: time,
          },
          { requiredKeys: ['id', 'msisdn', 'startedAt'] },
        ),
        ({ id }) => String(id),
      ),
      disconnects: unique(disconnect(now), ({ id }) => id),
      messages: unique(message(now), ({ id }) => id),
      waitingSms: unique(entryOf(waitingSms), ({ id }) => id),
    })
    .map(({ seeds, users, inbound, callbacks, receipts, responses, clients, tests, ...others }) => [
      ...seeds.map((record) => ({ kind: 'seeds' as const, record })),
      ...users.map((record) => ({ kind: 'users' as const, record })),
      ...inbound.map((record) => ({ kind: 'inbound' as const, record })),
      ...callbacks.map((record) => ({ kind: 'callbacks' as const, record })),
      ...receipts.map((entry) => ({ kind: 'receipts' as const, ...entry })),
      ...responses.map((entry) => ({ kind: 'responses' as const, ...entry })),
      ...clients.map((record) => ({ kind: 'clients' as const, record })),
      ...tests.map((record) => ({ kind: 'tests' as const, record })),
      ...others.disconnects.map((record) => ({ kind: 'disconnects' as const, record })),
      ...others.messages.map((record) => ({ kind: 'messages' as const, record })),
      ...others.waitingSms.map((record) => ({ kind: 'waitingSms' as const, record })),
    ]);
}
