// Repeated kill -9 under load: everything acknowledged is on disk, no record is partial, and
// the next start serves immediately. docs/protocol.md, H10.

import { cp, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { type RunningProcess, startSwob } from '../support/binary.ts';
import { effort } from '../support/effort.ts';
import { createPhone, handshakeUrlOf, openSession, type Phone, pair, post } from '../support/phone.ts';
import { createInstallation, type Installation, inspectStore } from './installation.ts';

const rounds = 5 * effort;
/** Concurrent clients of each kind; each waits for a response before its next request. */
const clients = 6;
/** Maximum number of responses in one round. */
const maxAnswers = 80;
const settings = [
  ...['pings', 'sessions', 'passwords', 'guesses'].map((name) => `limits.${name}=off`),
  // Longer than the test, so that every acknowledged seed must still be active.
  'seeds.expiry=1h',
].flatMap((setting) => ['--set', setting]);

const seed = Date.now() % 1_000_000;

/** Numbers from 0 to `bound` - 1, the same for the same seed (mulberry32). */
function createRandom(start: number): (bound: number) => number {
  let state = start;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

/** What clients know of one record: the last acknowledged value, and the values they sent since without a response. */
interface Known {
  acknowledged?: string;
  readonly underWay: string[];
}

interface Load {
  readonly random: (bound: number) => number;
  /** MSISDN by IMSI. */
  readonly seeds: Map<string, Known>;
  /** For each user, the shared key that the phone decrypted and the session that it pairs with. */
  readonly users: Map<string, Known>;
  readonly phones: readonly Phone[];
}

const known = (all: Map<string, Known>, id: string): Known => {
  const entry = all.get(id) ?? { underWay: [] };
  all.set(id, entry);
  return entry;
};

/** Pairs as a phone does. */
async function pairUser(load: Load, client: number, gateway: string, userId: string): Promise<void> {
  const phone = load.phones[client];
  if (!phone) throw new Error('no phone');
  const entry = known(load.users, userId);
  const initUrl = await openSession(gateway, userId);
  entry.underWay.push(initUrl.split('/').at(-1) ?? '');
  entry.acknowledged = await pair(handshakeUrlOf(gateway, initUrl), phone, 'secret');
  entry.underWay.length = 0;
}

/** Changes the number of a known IMSI, or registers a new one. */
async function registerSeed(load: Load, client: number, gateway: string): Promise<void> {
  const mine = [...load.seeds.keys()].filter((imsi) => imsi.startsWith(`${client}-`));
  const again = mine[load.random(mine.length + 1)];
  const imsi = load.random(3) === 0 && again ? again : `${client}-${mine.length}`;
  const entry = known(load.seeds, imsi);
  const msisdn = `+2376${String(load.random(100_000_000)).padStart(8, '0')}`;
  entry.underWay.push(msisdn);
  const body = { IMSI: imsi, MSISDN: msisdn, seed_type: 'seed' };
  const { status, text } = await post(`${gateway}/seeds/ping`, body);
  if (status !== 200) throw new Error(`ping: ${status} ${text}`);
  entry.acknowledged = msisdn;
  entry.underWay.length = 0;
}

/** Runs the load and kills `swob` after `answers` acknowledgements. */
async function loadUntilKilled(load: Load, gateway: string, swob: RunningProcess): Promise<void> {
  let responses = 1 + load.random(maxAnswers);
  const client = async (step: () => Promise<void>): Promise<void> => {
    while (responses > 0) {
      try {
        await step();
      } catch (error) {
        // A missing response is expected only after the process was killed.
        if (responses > 0 || !String(error).includes('fetch failed')) throw error;
        return;
      }
      if (--responses === 0) swob.kill('SIGKILL');
    }
  };
  const all = Array.from({ length: clients }, (_, index) => [
    client(() => registerSeed(load, index, gateway)),
    client(() => pairUser(load, index, gateway, `user-${index}-${load.random(3)}`)),
  ]);
  await Promise.all(all.flat());
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGKILL' });
}

/** Reads a copy, so that the next start still finds the lock of the killed process. */
async function checkStore(load: Load, { data, folder }: Installation): Promise<void> {
  const copy = `${folder}/copy`;
  await cp(data, copy, { recursive: true, filter: (path) => !/^\.?lock[.-]/.test(basename(path)) });
  await inspectStore(copy, async (store) => {
    for (const [imsi, { acknowledged, underWay }] of load.seeds) {
      const seed = await store.seeds.get(imsi);
      expect([acknowledged, ...underWay], `the number of ${imsi}`).toContain(seed?.msisdn);
      if (acknowledged !== undefined)
        expect(await store.seeds.getActive(imsi, 3_600_000), `${imsi} is active`).toBeDefined();
    }
    for (const [userId, { acknowledged, underWay }] of load.users) {
      const user = await store.users.get(userId);
      if (user === undefined || !underWay.includes(user.sessionId)) {
        expect(user?.sharedKey, `the key of ${userId}`).toBe(acknowledged);
      }
    }
  });
  await rm(copy, { recursive: true });
}

test(`${rounds} kills with SIGKILL under load lose nothing that was acknowledged (seed ${seed})`, async () => {
  const userIds = Array.from(
    { length: clients * 3 },
    (_, n) => `user-${n % clients}-${Math.floor(n / clients)}`,
  );
  const installation = await createInstallation({ passwords: new Map(userIds.map((id) => [id, 'secret'])) });
  const load: Load = {
    random: createRandom(seed),
    seeds: new Map(),
    users: new Map(),
    phones: Array.from({ length: clients }, () => createPhone()),
  };
  let interrupted = 0;
  for (let round = 0; round < rounds; round++) {
    const swob = await startSwob(['serve', 'gateway', ...settings], { cwd: installation.folder });
    const gateway = swob.ready.gateway.url;
    // Phones whose pairing was interrupted by the kill try again and pair.
    for (const [userId, { underWay }] of load.users) {
      if (underWay.length === 0) continue;
      interrupted++;
      await pairUser(load, Number(userId.split('-')[1]), gateway, userId);
    }
    await loadUntilKilled(load, gateway, swob);
    await checkStore(load, installation);
  }
  // Otherwise no request was in progress at any kill.
  expect(interrupted).toBeGreaterThan(rounds / 2);
  const last = await startSwob(['serve'], { cwd: installation.folder });
  expect(
    (await post(`${last.ready.gateway.url}/seeds/ping`, { IMSI: 'last', MSISDN: '+1', seed_type: 'seed' }))
      .status,
  ).toBe(200);
});
