// Test data of the benchmarks: seeds, users, tokens, SMS.

import { createCipheriv, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemClock } from '../../src/app/system-clock.ts';
import type { PairedUser } from '../../src/domain/pairing/model.ts';
import type { Seed } from '../../src/domain/seeds/model.ts';
import { withChecksum } from '../../src/store/lowdb/checksum.ts';
import { recordName } from '../../src/store/lowdb/record-file.ts';
import { openLowdbStore } from '../../src/store/lowdb/store.ts';
import type { HttpRequest } from './http-load.ts';
import { imsiOf, numberOf, sharedKeyOf } from './numbers.ts';

/** One ping for each of `count` seeds. */
export function pings(count: number, first = 0): HttpRequest[] {
  return Array.from({ length: count }, (_, n) => ({
    method: 'POST',
    path: '/seeds/ping',
    body: JSON.stringify({ IMSI: imsiOf(first + n), MSISDN: numberOf(first + n), seed_type: 'seed' }),
  }));
}

/**
 * Fills the store of a folder in which no daemon runs: with paired users, whose ids are their numbers, and with seeds
 * that have just pinged.
 */
export async function fillStore(
  folder: string,
  { users, seeds = 0 }: { readonly users: number; readonly seeds?: number },
): Promise<void> {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const store = await openLowdbStore({
    folder: join(folder, 'data'),
    clock: systemClock,
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    sessions: { openTtlMs: 1_000, pausedTtlMs: 1_000, pairedTtlMs: 1_000, maxOpen: 10 },
    seeds: { activeMs: 3_600_000, maxRegistered: seeds + 1 },
    clients: { max: 10 },
    tests: { ttlMs: 1_000, max: 10, maxPerClient: 10 },
    disconnects: { ttlMs: 60_000, max: 1_000, maxUntrusted: 100 },
    inbound: { max: 10 },
    receipts: { ttlMs: 1_000, max: 10 },
    callbacks: { max: 10 },
    messages: { ttlMs: 1_000, max: 10 },
    waitingSms: { max: 10 },
    responses: { ttlMs: 1_000, max: 10 },
    signOuts: { ttlMs: 1_000, max: 1 },
    monitoring: { maxNodes: 1, nodeTtlMs: 1_000, historyTtlMs: 1_000 },
  });
  const user = (index: number): PairedUser => ({
    userId: numberOf(index),
    sessionId: sharedKeyOf(index),
    publicKey: pem,
    sharedKey: sharedKeyOf(index),
    pairedAt: 1_700_000_000,
    passwordDigests: [],
  });
  const lps = Date.now() / 1_000;
  const seed = (index: number): Seed => ({
    imsi: imsiOf(index),
    msisdn: numberOf(index),
    seedType: 'seed',
    lps,
  });
  // In the format of the store, but without its fsync, which takes minutes for 100,000.
  const write = async (kind: 'users' | 'seeds', id: string, record: object): Promise<void> => {
    const file = join(folder, 'data', recordName(kind, id));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, withChecksum(JSON.stringify(record)));
  };
  await inBatches(users, (index) => write('users', numberOf(index), user(index)));
  await inBatches(seeds, (index) => write('seeds', imsiOf(index), seed(index)));
  await inBatches(seeds, async (index) => store.seeds.ping(seed(index)));
  if (users > 0 && !(await store.users.get(numberOf(users - 1))))
    throw new Error('the store has not got its users');
  await store.close();
}

/** Below the bound of writes that may wait for the store. */
const batch = 1_000;

async function inBatches(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  for (let first = 0; first < count; first += batch) {
    const size = Math.min(batch, count - first);
    await Promise.all(Array.from({ length: size }, (_, index) => work(first + index)));
  }
}

/** Distinct SMS, from the first `users` users in turn. */
export function smsRequests(count: number, users: number): HttpRequest[] {
  return Array.from({ length: count }, (_, index) => sms(index % users));
}

/** An SMS unlike all others. */
export function sms(user: number): HttpRequest {
  return smsRequest({ msisdn: numberOf(user), text: encrypted(user) });
}

/** The SMS of these indexes. */
export function repeatedSmsRequests(first: number, count: number, users: number): HttpRequest[] {
  return Array.from({ length: count }, (_, n) => smsRequest(repeatedSms(first + n, users)));
}

interface SampleSms {
  readonly msisdn: string;
  readonly text: string;
}

function smsRequest({ msisdn, text }: SampleSms): HttpRequest {
  const body = JSON.stringify({ MSISDN: msisdn, text });
  return { method: 'POST', path: '/sms/platform/gateway-client', body };
}

/** The SMS of this index, always the same. */
export function repeatedSms(index: number, users: number): SampleSms {
  const user = index % users;
  return { msisdn: numberOf(user), text: encrypted(user, index.toString(16).padStart(16, '0')) };
}

/** base64( IV + base64( AES-256-CBC ) ), as the app writes it; the random IV makes each distinct. */
function encrypted(user: number, iv = randomBytes(8).toString('hex')): string {
  const cipher = createCipheriv('aes-256-cbc', sharedKeyOf(user), iv);
  const ciphertext =
    cipher.update('g:bob@example.org:::Hello:I am well', 'utf8', 'base64') + cipher.final('base64');
  return Buffer.from(iv + ciphertext).toString('base64');
}

/** Longer than any soak test. */
const tokenSeconds = 30 * 86_400;

/** Requests with distinct tokens, and the file of the key that verifies them. */
export async function disconnectRequests(
  folder: string,
  count: number,
): Promise<{ readonly requests: HttpRequest[]; readonly keyFile: string }> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keyFile = join(folder, 'tokens.pem');
  await writeFile(keyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  const iat = Math.floor(Date.now() / 1_000);
  const requests = Array.from({ length: count }, (_, index): HttpRequest => {
    const claims = {
      sub: 'user',
      iat,
      exp: iat + tokenSeconds,
      nasIp: '100.112.0.1',
      sessionId: String(5_692_549_928_996_000_000n + BigInt(index)),
      vrf: '1',
      clientMac: 'FC-45-96-5F-50-AC',
    };
    return { method: 'GET', path: `/disconnect?token=${rs256(claims, privateKey)}` };
  });
  return { requests, keyFile };
}

function rs256(claims: object, key: KeyObject): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`;
}
