// The second part of C10: a store with `--users` users and receipts and a tenth as many seeds and waiting messages, beside one
// of a thousand or two of each: start, memory, and the CPU time of each operation.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Daemon, startDaemon } from '../daemon.ts';
import type { BenchEnvironment } from '../environment.ts';
import { pings, repeatedSmsRequests, smsRequests } from '../fixtures.ts';
import { type HttpRequest, loadHttp } from '../http-load.ts';
import { activateSeeds, fillLargeStore, type StoreSize, writeWaiting } from '../large-store.ts';
import { cpuSeconds, diskMb, residentKb } from '../machine.ts';
import { numberOf } from '../numbers.ts';
import { type Phones, startPhones } from '../phones.ts';
import type { Row } from '../report.ts';
import { startDeveloperApi, startUpstream } from '../upstreams.ts';

/** As many waiting messages as a search of the console reads, and twice as many users as pair again: lists read the others' files. */
const small: StoreSize = { users: 2_000, seeds: 1_000, activeSeeds: 1_000, receipts: 1_000, waiting: 2_000 };
const pairedAgain = 1_000;
/** Messages that become due while the daemon runs. */
const due = 500;
/** For the start, and for the load that it leaves behind. */
const dueAfterMs = 30_000;

interface Side {
  readonly size: StoreSize;
  readonly folder: string;
  readonly daemon: Daemon;
  readonly phones: Phones;
  readonly token: string;
  readonly start: Start;
  /** Milliseconds of CPU time by operation, one figure a round. */
  readonly costs: Map<string, number[]>;
  readonly failures: string[];
}

interface Start {
  readonly readyMs: number;
  readonly cpuMs: number;
  readonly residentMb: number;
}

export async function largeStoreRows(environment: BenchEnvironment): Promise<Row[]> {
  const { users } = environment;
  const large = {
    users,
    seeds: users / 10,
    activeSeeds: small.activeSeeds,
    receipts: users,
    waiting: users / 10,
  };
  const upstream = await startUpstream(environment);
  const backEnd = await startDeveloperApi(environment);
  const settings = [
    ...upstream.settings.users,
    ...upstream.settings.publisher,
    ...backEnd.settings,
    'seeds.expiry=1h',
    ...[
      `seeds.max_registered=${users}`,
      `publisher.max_remembered=${users * 2}`,
      `publisher.max_kept=${users}`,
    ],
    'limits.passwords=900000000/1m',
  ];
  const sides: Side[] = [];
  const folders: string[] = [];
  for (const size of [small, large]) folders.push(await fill(environment, size));
  for (const [index, size] of [small, large].entries()) {
    const folder = folders[index] ?? '';
    // One after the other, as both have the same Publisher.
    const dueAt = Date.now() + (index + 1) * dueAfterMs;
    writeWaiting(join(folder, 'data'), { first: size.waiting, count: due, dueAt });
    sides.push(await start(environment, { size, folder }, settings));
  }
  for (const side of sides) await settleDue(environment, side, upstream.counts);
  for (let round = 0; round < environment.rounds; round++) {
    for (const side of sides) await measure(environment, side, round);
  }
  const rows = rowsOf(sides);
  for (const { daemon, phones } of sides) await Promise.all([daemon.child.stop(), phones.child.stop()]);
  const [, side] = sides;
  if (side) rows.push(await startWithAllActive(environment, side, settings));
  await Promise.all([upstream.child.stop(), backEnd.child.stop()]);
  return rows;
}

/** @returns the folder */
async function fill(environment: BenchEnvironment, size: StoreSize): Promise<string> {
  const folder = await environment.folder();
  const began = performance.now();
  await fillLargeStore(folder, size);
  const seconds = Math.round((performance.now() - began) / 1_000);
  const onDisk = diskMb(join(folder, 'data'));
  environment.reportProgress(`stored ${size.users} users in ${seconds} s, ${onDisk} MB on disk`);
  return folder;
}

async function start(
  environment: BenchEnvironment,
  { size, folder }: Pick<Side, 'size' | 'folder'>,
  settings: readonly string[],
): Promise<Side> {
  const { daemon, start } = await timedStart(environment, folder, settings);
  const token = (await readFile(join(folder, 'data', 'security', 'admin.token'), 'utf8')).trim();
  const phones = await startPhones(environment, daemon.urls.gateway);
  return { size, folder, daemon, phones, token, start, costs: new Map(), failures: [] };
}

async function timedStart(environment: BenchEnvironment, folder: string, settings: readonly string[]) {
  const began = performance.now();
  const daemon = await startDaemon(environment, ['gateway', 'sync'], { folder, settings });
  const readyMs = performance.now() - began;
  const { pid } = daemon.child;
  return { daemon, start: { readyMs, cpuMs: cpuSeconds(pid) * 1_000, residentMb: residentKb(pid) / 1_024 } };
}

/** The store again, with all of its seeds active. */
async function startWithAllActive(
  environment: BenchEnvironment,
  { folder, size }: Side,
  settings: readonly string[],
): Promise<Row> {
  await activateSeeds(join(folder, 'data'), size.seeds);
  const { daemon, start } = await timedStart(environment, folder, settings);
  await daemon.child.stop();
  return startRow(`C10 start, ${size.users} users, all seeds active`, start);
}

/** Waits until the messages that are due have been published. */
async function settleDue(
  environment: BenchEnvironment,
  side: Side,
  counts: () => Promise<{ readonly published: number }>,
): Promise<void> {
  const { pid } = side.daemon.child;
  const left = async (): Promise<number> => {
    const metrics = await side.daemon.metrics();
    return (
      (metrics.get('swob_outbox_entries{kind="message",state="waiting"}') ?? Number.NaN) - side.size.waiting
    );
  };
  if ((await left()) !== due) side.failures.push('messages were due before the daemon was measured');
  environment.reportProgress(`waiting for ${due} messages to become due`);
  const before = (await counts()).published;
  const until = performance.now() + 4 * dueAfterMs;
  let cpu = cpuSeconds(pid);
  while ((await left()) > 0 && performance.now() < until) {
    // Work that the start has left is not counted.
    if ((await counts()).published === before) cpu = cpuSeconds(pid);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const published = (await counts()).published - before;
  if (published !== due) side.failures.push(`${published} of ${due} messages were published`);
  note(side, 'waiting message', (cpuSeconds(pid) - cpu) / due);
}

async function measure(environment: BenchEnvironment, side: Side, round: number): Promise<void> {
  const { daemon, size, phones, token } = side;
  const url = daemon.urls.gateway;
  const seconds = Math.min(environment.seconds, 2);
  const count = environment.quick ? 300 : 2_000;
  const fresh = size.seeds + round * count;
  const load = async (name: string, requests: readonly HttpRequest[], once: boolean): Promise<void> => {
    const run = () => loadHttp(environment, { url, requests, once, seconds: once ? 60 : seconds });
    await cost(side, name, async () => {
      const result = await run();
      if (result.failed > 0) side.failures.push(`${name}: ${result.failed} of ${result.requests} failed`);
      return result.requests;
    });
  };
  const pair = (name: string, names: readonly string[]): Promise<void> =>
    cost(side, name, async () => {
      const { requests, failed, failure } = await phones.pair(seconds, names);
      if (failed > 0) side.failures.push(`${name}: ${failed} of ${requests} failed: ${failure}`);
      return requests - failed;
    });
  const get = (name: string, path: string, times = environment.quick ? 20 : 100): Promise<void> =>
    cost(side, name, async () => {
      for (let n = 0; n < times; n++) {
        const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
        if (!response.ok) side.failures.push(`${name}: ${response.status}`);
        await response.arrayBuffer();
      }
      return times;
    });

  await load('ping of a known seed', pings(small.activeSeeds), false);
  await load('ping of a new seed', pings(count, fresh), true);
  const half = Math.floor(size.users / 2);
  const everyFew = Math.max(1, Math.floor(half / pairedAgain));
  await pair(
    'pairing of a known user',
    names(Math.min(half, pairedAgain), (n) => numberOf(n * everyFew)),
  );
  await pair(
    'pairing of a new user',
    names(5_000, (n) => numberOf(size.users + round * 5_000 + n)),
  );
  await load('inbound SMS', smsRequests(count, 1_000), true);
  const repeated = Math.min(count, Math.floor(small.receipts / environment.rounds));
  await load('repeated SMS', repeatedSmsRequests(round * repeated, repeated, 1_000), true);
  await get('list of seeds', '/seeds');
  const middle = numberOf(half);
  const users = `/sync/users?limit=100&after=${encodeURIComponent(middle)}`;
  // The first list of a run counts the records.
  if (round === 0) await get('first list of users', users, 1);
  await get('list of users', users);
  await search(side, environment.quick ? 5 : 20);
}

/** Each search is another one, because equal ones share a reading. */
async function search(side: Side, times: number): Promise<void> {
  const url = side.daemon.urls.gateway;
  const headers = {
    'content-type': 'application/json',
    'sec-fetch-site': 'same-origin',
    'x-swob-console': '1',
  };
  const signedIn = await fetch(`${url}/console/sign-in`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ token: side.token }),
  });
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
  await cost(side, 'search of messages', async () => {
    for (let n = 0; n < times; n++) {
      const response = await fetch(`${url}/console/api/messages?text=2376700${searches++}`, {
        headers: { cookie },
      });
      if (!response.ok) side.failures.push(`search of messages: ${response.status}`);
      await response.arrayBuffer();
    }
    return times;
  });
}
let searches = 1_000;

async function cost(side: Side, name: string, work: () => Promise<number>): Promise<void> {
  const { pid } = side.daemon.child;
  const before = cpuSeconds(pid);
  const count = await work();
  note(side, name, (cpuSeconds(pid) - before) / count);
}

function note({ costs }: Side, name: string, seconds: number): void {
  costs.set(name, [...(costs.get(name) ?? []), seconds * 1_000]);
}

function rowsOf([smaller, larger]: readonly Side[]): Row[] {
  if (!smaller || !larger) return [];
  const failures = [smaller, larger].flatMap((side) => side.failures);
  const { users } = larger.size;
  const residentMb = residentKb(larger.daemon.child.pid) / 1_024;
  const costs = [...larger.costs].map(
    ([name, ours]): Row => ({
      name: `C10 ${name}, ${users} users beside ${smaller.size.users}`,
      unit: 'ms CPU',
      ours,
      baseline: smaller.costs.get(name) ?? [],
      // Of the first list the ratio is that of the files.
      target: name === 'first list of users' ? 'none' : { atMost: 1.5 },
      ...(name === 'waiting message' && { failures }),
    }),
  );
  return [
    startRow(`C10 start, ${users} users`, larger.start),
    startRow(`C10 start, ${smaller.size.users} users`, smaller.start),
    {
      name: `C10 memory after use, ${users} users beside ${smaller.size.users}`,
      unit: 'MB',
      ours: [residentMb],
      baseline: [residentKb(smaller.daemon.child.pid) / 1_024],
      target: 'none',
    },
    ...costs,
  ];
}

function startRow(name: string, { readyMs, cpuMs, residentMb }: Start): Row {
  const notes = { cpuMs, residentMb };
  return { name, unit: 's', ours: [readyMs / 1_000], baseline: [], target: { oursAtMost: 5 }, notes };
}

function names(count: number, nameOf: (n: number) => string): string[] {
  return Array.from({ length: count }, (_, n) => nameOf(n));
}
