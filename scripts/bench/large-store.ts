// Writes a store of any size into a folder in which no daemon runs: in the store's formats, but without its syncs, which would
// take hours. Used by benches/large-store.ts.

import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describePayload } from '../../src/crypto/payload-form.ts';
import { smsId } from '../../src/domain/inbound/sms-id.ts';
import { withChecksum } from '../../src/store/lowdb/checksum.ts';
import { createDisk } from '../../src/store/lowdb/disk.ts';
import { createLpsEncoder, lpsFile } from '../../src/store/lowdb/lps-file.ts';
import { type RecordKind, recordName } from '../../src/store/lowdb/record-file.ts';
import { closingLine, headerLine } from '../../src/store/lowdb/segment-lines.ts';
import { createSortedParts } from '../../src/store/lowdb/sorted-parts.ts';
import { createUserIdFiles, type IdPart } from '../../src/store/lowdb/user-id-files.ts';
import { fillStore, repeatedSms } from './fixtures.ts';
import { imsiOf, numberOf, sharedKeyOf } from './numbers.ts';

export interface StoreSize {
  readonly users: number;
  readonly seeds: number;
  /** The first of the seeds, which have just pinged. */
  readonly activeSeeds: number;
  readonly receipts: number;
  readonly waiting: number;
}

/** How long the waiting messages wait: longer than it takes to write a store and to measure it. */
const waitMs = 86_400_000;
/** As many as a segment of the store has. */
const linesPerSegment = 20_000;

export async function fillLargeStore(folder: string, size: StoreSize): Promise<void> {
  await fillStore(folder, { users: 0 });
  const data = join(folder, 'data');
  const now = Date.now();
  writeUsers(data, size.users);
  await writeUserIds(data, size.users);
  await writeSeeds(data, size, now);
  writeReceipts(data, size.receipts, now);
  writeWaiting(data, { first: 0, count: size.waiting, dueAt: now + waitMs });
}

/** Lets the first seeds have pinged just now. */
export async function activateSeeds(data: string, count: number): Promise<void> {
  const lps = Date.now() / 1_000;
  const active = Array.from({ length: count }, (_, index) => ({ imsi: imsiOf(index), lps }));
  await writeFile(join(data, lpsFile), await createLpsEncoder()(active, 0));
}

/** Adds messages that wait for the Publisher until `dueAt`. */
export function writeWaiting(
  data: string,
  { first, count, dueAt }: { readonly first: number; readonly count: number; readonly dueAt: number },
): void {
  const since = Date.now() - 60_000;
  writeRecords(data, 'inbound', count, (n) => {
    const index = first + n;
    const { msisdn, text } = repeatedSms(index, 1_000);
    const id = index.toString(16).padStart(32, '0');
    const history = [
      { at: since, event: 'received by gateway-client' },
      { at: since + 20, event: 'failed: the Publisher answered 503' },
    ];
    const content = { platform: 'gateway-client', msisdn, text, message: 'g:bob@example.org:::Hello:well' };
    return [id, { id, content, since, dueAt, attempts: 1, history, failures: 1 }];
  });
}

function writeUsers(data: string, count: number): void {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  writeRecords(data, 'users', count, (index) => {
    const [userId, sharedKey] = [numberOf(index), sharedKeyOf(index)];
    const key = { publicKey: pem, sharedKey };
    return [userId, { userId, sessionId: sharedKey, ...key, pairedAt: 1_700_000_000, passwordDigests: [] }];
  });
}

/** As the store does when users pair one after the other. */
async function writeUserIds(data: string, count: number): Promise<void> {
  const files = createUserIdFiles(createDisk(data, () => {}));
  const sorted = createSortedParts(4_096);
  for (let index = 0; index < count; index++) sorted.add(numberOf(index));
  const parts: IdPart[] = [];
  for (const ids of sorted.parts()) parts.push(await files.writePart(await files.nextNumber(), ids));
  await files.writeManifest({ parts, unreadable: 0, log: await files.nextNumber() });
}

async function writeSeeds(data: string, { seeds, activeSeeds }: StoreSize, now: number): Promise<void> {
  writeRecords(data, 'seeds', seeds, (index) => {
    const imsi = imsiOf(index);
    return [imsi, { imsi, msisdn: numberOf(index), seedType: 'seed', lps: now / 1_000 - 86_400 }];
  });
  await activateSeeds(data, activeSeeds);
}

/** Of the SMS of `repeatedSms`, as far as there are receipts, and of others. */
function writeReceipts(data: string, count: number, now: number): void {
  const folder = join(data, 'receipts');
  mkdirSync(folder, { recursive: true });
  let after: { readonly segment: number; readonly bytes: number } | null = null;
  for (let start = 0; start < count; start += linesPerSegment) {
    const lines: string[] = [headerLine({ after })];
    for (let index = start; index < Math.min(count, start + linesPerSegment); index++) {
      const at = now - 600_000 + Math.floor((index * 500_000) / count);
      const history = [
        { at: at - 90, event: 'received by gateway-client' },
        { at, event: 'published' },
      ];
      lines.push(
        withChecksum(JSON.stringify({ key: receiptKey(index), at, value: { reply: 'published', history } })),
      );
    }
    const text: string = `${[...lines, closingLine].join('\n')}\n`;
    const segment = start / linesPerSegment + 1;
    writeFileSync(join(folder, `${segment}.ndjson`), text);
    after = { segment, bytes: Buffer.byteLength(text) };
  }
}

const repeatable = 20_000;

function receiptKey(index: number): string {
  if (index >= repeatable) return `${index.toString(16).padStart(8, '0')}${sharedKeyOf(index).slice(8)}`;
  const { msisdn, text } = repeatedSms(index, 1_000);
  const form = describePayload(text);
  if (form.kind !== 'v2') throw new Error('the sample SMS is none of a phone');
  return smsId(msisdn, form.canonical);
}

/** Synchronously, which is several times as fast. */
function writeRecords(
  data: string,
  kind: RecordKind,
  count: number,
  recordOf: (index: number) => readonly [string, object],
): void {
  for (let part = 0; part < 256; part++) {
    mkdirSync(join(data, kind, part.toString(16).padStart(2, '0')), { recursive: true });
  }
  for (let index = 0; index < count; index++) {
    const [id, record] = recordOf(index);
    writeFileSync(join(data, recordName(kind, id)), withChecksum(JSON.stringify(record)));
  }
}
