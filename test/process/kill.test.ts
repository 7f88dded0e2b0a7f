// kill -9 in the middle of a load, again and again: what was acknowledged is on disk, nothing is half, and
// the next start serves at once. DESIGN.md 5, HOSTILE.md H10.

import { cp, rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type RunningProcess, startSwob } from '../support/binary.ts';
import { createPhone, handshakeUrlOf, openSession, type Phone, pair, post } from '../support/phone.ts';
import { createWorld, inspectStore, type World } from './world.ts';

const rounds = 30;
/** Clients at once of each kind; each waits for its answer before it asks again. */
const clients = 6;
/** A round ends after so many answers, at most. */
const maxAnswers = 80;
const limits = ['pings', 'sessions', 'passwords', 'guesses'].flatMap((name) => [
  '--set',
  `limits.${name}=off`,
]);

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

/** What clients know of one record: the answer they got last, and what they have asked for since in vain. */
interface Known {
  acknowledged?: string;
  readonly underWay: string[];
}

interface Load {
  readonly random: (bound: number) => number;
  /** MSISDN by IMSI. */
  readonly seeds: Map<string, Known>;
  /** For each user the shared key that was decrypted, and the session that pairs. */
  readonly users: Map<string, Known>;
  readonly phones: readonly Phone[];
}

const known = (all: Map<string, Known>, id: string): Known => {
  const entry = all.get(id) ?? { underWay: [] };
  all.set(id, entry);
  return entry;
};

/** One pairing as a phone does it. */
async function pairUser(load: Load, client: number, gateway: string, userId: string): Promise<void> {
  const phone = load.phones[client];
  if (!phone) throw new Error('no phone');
  const entry = known(load.users, userId);
  const initUrl = await openSession(gateway, userId);
  entry.underWay.push(initUrl.split('/').at(-1) ?? '');
  entry.acknowledged = await pair(handshakeUrlOf(gateway, initUrl), phone, 'secret');
  entry.underWay.length = 0;
}

/** A known IMSI gets another number, or a new one is registered. */
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

/** Runs the load until `swob` is killed, which happens when `answers` have been acknowledged. */
async function loadUntilKilled(load: Load, gateway: string, swob: RunningProcess): Promise<void> {
  let answers = 1 + load.random(maxAnswers);
  const client = async (step: () => Promise<void>): Promise<void> => {
    while (answers > 0) {
      try {
        await step();
      } catch (error) {
        // An answer that did not come is no fault once the process is dead, any other one is.
        if (answers > 0 || !String(error).includes('fetch failed')) throw error;
        return;
      }
      if (--answers === 0) swob.kill('SIGKILL');
    }
  };
  const all = Array.from({ length: clients }, (_, index) => [
    client(() => registerSeed(load, index, gateway)),
    client(() => pairUser(load, index, gateway, `user-${index}-${load.random(3)}`)),
  ]);
  await Promise.all(all.flat());
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGKILL' });
}

/** Reads a copy, so that the next start finds the dead process's lock itself. */
async function checkStore(load: Load, { data, folder }: World): Promise<void> {
  const copy = `${folder}/copy`;
  await cp(data, copy, { recursive: true });
  await inspectStore(copy, async (store) => {
    for (const [imsi, { acknowledged, underWay }] of load.seeds) {
      const seed = await store.seeds.get(imsi);
      expect([acknowledged, ...underWay], `the number of ${imsi}`).toContain(seed?.msisdn);
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

test(`${rounds} times kill -9 under load lose nothing that was acknowledged (seed ${seed})`, {
  timeout: 300_000,
}, async () => {
  const userIds = Array.from(
    { length: clients * 3 },
    (_, n) => `user-${n % clients}-${Math.floor(n / clients)}`,
  );
  const world = await createWorld({ passwords: new Map(userIds.map((id) => [id, 'secret'])) });
  const load: Load = {
    random: createRandom(seed),
    seeds: new Map(),
    users: new Map(),
    phones: Array.from({ length: clients }, () => createPhone()),
  };
  let interrupted = 0;
  for (let round = 0; round < rounds; round++) {
    const swob = await startSwob(['serve', 'gateway', ...limits], { cwd: world.folder });
    const gateway = swob.ready.gateway.url;
    // Phones whose pairing the kill cut off try again, and pair.
    for (const [userId, { underWay }] of load.users) {
      if (underWay.length === 0) continue;
      interrupted++;
      await pairUser(load, Number(userId.split('-')[1]), gateway, userId);
    }
    await loadUntilKilled(load, gateway, swob);
    await checkStore(load, world);
  }
  // Otherwise the kills came when nothing was going on.
  expect(interrupted).toBeGreaterThan(rounds / 2);
  const last = await startSwob(['serve'], { cwd: world.folder });
  expect(
    (await post(`${last.ready.gateway.url}/seeds/ping`, { IMSI: 'last', MSISDN: '+1', seed_type: 'seed' }))
      .status,
  ).toBe(200);
});
