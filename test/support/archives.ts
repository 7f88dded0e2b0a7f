// Random stores as records, and files of them. Used by the tests of `store export` and `import`.

import fc from 'fast-check';
import type { ArchivedRecord, StoreArchive } from '../../src/store/archive.ts';
import { archiveBytes, readArchive } from '../../src/store/archive-file.ts';

const header = { made: '2022-03-25T11:02:02.814Z', by: 'swob test' };

/** The file of these records. */
export async function fileOf(
  records: Iterable<ArchivedRecord> | AsyncIterable<ArchivedRecord>,
): Promise<string> {
  async function* each() {
    yield* records;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of archiveBytes(header, each())) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The lines of a store's records. Those of one kind come in no order, but for what is remembered. */
export async function linesOf(archive: StoreArchive): Promise<{ sorted: string[]; memos: string[] }> {
  const lines = (await fileOf(archive.records())).trim().split('\n').slice(1, -1);
  return { sorted: lines.toSorted(), memos: lines.filter((line) => line.includes('"until"')) };
}

/** Reads a file in chunks of so many bytes. */
export async function recordsOf(file: string | Buffer, chunkBytes = 1_000): Promise<ArchivedRecord[]> {
  const bytes = Buffer.from(file);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
  const records: ArchivedRecord[] = [];
  for await (const record of readArchive('backup.jsonl', chunks())) records.push(record);
  return records;
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('\ud800', '"', '"\\', 'é', 'e\u0301', '*', '{seeds}', 'a\r\nb', '\u2028', '__proto__'),
);
const time = fc.integer({ min: 0, max: 2_000_000_000_000 });
const life = fc.array(fc.record({ at: time, what: text }), { maxLength: 3 });
const parcelOf = <T>(content: fc.Arbitrary<T>) =>
  fc.record({
    id: fc.stringMatching(/^[A-Za-z0-9-]{1,20}$/),
    content,
    since: time,
    dueAt: fc.option(time),
    attempts: fc.nat(99),
    life,
  });
const sms = fc.record(
  { platform: text, msisdn: text, text, message: text },
  { requiredKeys: ['platform', 'msisdn', 'text'] },
);

/** At most a few of everything; times to live end between `now` and `now` + 20 s. */
export function randomStore(now: number): fc.Arbitrary<ArchivedRecord[]> {
  const until = fc.integer({ min: now + 1, max: now + 20_000 });
  const unique = <T>(item: fc.Arbitrary<T>, id: (item: T) => string) =>
    fc.uniqueArray(item, { selector: id, maxLength: 5 });
  // In the order of their times, as they came.
  const remembered = <T>(record: fc.Arbitrary<T>) =>
    unique(fc.record({ key: text, until, record }), ({ key }) => key).map((memos) =>
      memos.toSorted((a, b) => a.until - b.until),
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
      inbound: unique(parcelOf(sms), ({ id }) => id),
      callbacks: unique(parcelOf(fc.record({ url: text, body: text })), ({ id }) => id),
      published: remembered(
        fc.record({ answer: fc.constantFrom('published' as const, 'accepted' as const), life }),
      ),
      answers: remembered(fc.record({ request: text, body: text })),
    })
    .map(({ seeds, users, inbound, callbacks, published, answers }) => [
      ...seeds.map((record) => ({ kind: 'seeds' as const, record })),
      ...users.map((record) => ({ kind: 'users' as const, record })),
      ...inbound.map((record) => ({ kind: 'inbound' as const, record })),
      ...callbacks.map((record) => ({ kind: 'callbacks' as const, record })),
      ...published.map((memo) => ({ kind: 'published' as const, ...memo })),
      ...answers.map((memo) => ({ kind: 'answers' as const, ...memo })),
    ]);
}
