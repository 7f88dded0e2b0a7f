// Pings and disconnects at a rate while lists, pairings, SMS, large requests, metrics and the console run. Argument: a file with a
// TailPlan. A line on stdin with {"seconds", "rate"} starts a round (rate 0: as fast as responses arrive); a line of JSON has its result.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Pool } from 'undici';
import { pings, sms } from '../fixtures.ts';
import type { HttpRequest } from '../http-load.ts';
import { percentile } from '../statistics.ts';
import { createOperator } from './operator.ts';
import { createPhone } from './phone.ts';
import { send } from './send.ts';

export interface TailPlan {
  readonly gateway: string;
  readonly disconnect: string;
  readonly disconnects: readonly HttpRequest[];
  readonly users: number;
  readonly seeds: number;
  readonly adminToken: string;
}

export interface TailResult {
  readonly perSecond: number;
  /** Latencies in milliseconds, from when the request was due. */
  readonly pings: Latencies;
  readonly disconnects: Latencies;
  /** What else was done, by kind. */
  readonly others: Readonly<Record<string, number>>;
  readonly failed: number;
  readonly failure: string;
}

interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

const concurrency = 32;
const tickMs = 2;
const maxInFlight = 256;
/** Every so many requests one is a disconnect. */
const disconnectEvery = 8;

const plan: TailPlan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const gateway = new Pool(plan.gateway, { connections: concurrency, pipelining: 1 });
const others = new Pool(plan.gateway, { connections: concurrency, pipelining: 1 });
const disconnect = new Pool(plan.disconnect, { connections: concurrency, pipelining: 1 });
const phone = createPhone(plan.gateway, 4);
const look = createOperator(plan.gateway, plan.adminToken);
const allPings = pings(plan.seeds);
let [failed, failure] = [0, ''];

async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    failed++;
    failure = error instanceof Error ? error.message : String(error);
  }
}

const recipients = Array.from({ length: 1_000 }, (_, index) => ({
  number: `+2376${String(50_000_000 + index)}`,
  text: 'a text with ünusual characters, which is longer than one SMS of seventy characters may be',
}));
const manyRecipients = JSON.stringify(recipients);
const get = (path: string) => (): Promise<void> => send(others, { method: 'GET', path });

/** What else runs, each again so many milliseconds after its last response. */
const kinds: readonly (readonly [name: string, pauseMs: number, work: (turn: number) => Promise<void>])[] = [
  ['lists', 200, get('/seeds')],
  ['lists of seeders', 500, get('/seeders')],
  ['pairings', 50, (turn) => phone.pair(`user-${turn % 1_000}`, false)],
  ['SMS', 5, (turn) => send(others, sms(turn % plan.users))],
  ['console', 100, look],
  ['metrics', 1_000, get('/metrics')],
  [
    'operators of 1,000 recipients',
    500,
    () => send(others, { method: 'POST', path: '/v1/sms/operators', body: manyRecipients }),
  ],
];

async function repeat(
  isOver: () => boolean,
  pauseMs: number,
  work: (turn: number) => Promise<void>,
): Promise<number> {
  let turn = 0;
  while (!isOver()) {
    await attempt(() => work(turn));
    turn++;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return turn;
}

function latencies(times: readonly number[]): Latencies {
  const [p50 = 0, p99 = 0, p999 = 0, max = 0] = [50, 99, 99.9, 100].map((share) => percentile(times, share));
  return { p50, p99, p999, max };
}

async function round({ seconds, rate }: { seconds: number; rate: number }): Promise<TailResult> {
  const times = { pings: [] as number[], disconnects: [] as number[] };
  const since = performance.now();
  const isOver = (): boolean => performance.now() - since >= seconds * 1_000;
  let [begun, inFlight] = [0, 0];
  [failed, failure] = [0, ''];
  const one = async (due: number): Promise<void> => {
    const turn = begun++;
    const isDisconnect = turn % disconnectEvery === 0;
    const requests = isDisconnect ? plan.disconnects : allPings;
    const request = requests[(isDisconnect ? turn / disconnectEvery : turn) % requests.length];
    inFlight++;
    await attempt(async () => {
      if (request) await send(isDisconnect ? disconnect : gateway, request);
      times[isDisconnect ? 'disconnects' : 'pings'].push(performance.now() - due);
    });
    inFlight--;
  };
  const asFastAsPossible = async (): Promise<void> => {
    while (!isOver()) await one(performance.now());
  };
  const atRate = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setInterval(() => {
        if (isOver()) {
          clearInterval(timer);
          return resolve();
        }
        const due = ((performance.now() - since) / 1_000) * rate;
        while (begun < due && inFlight < maxInFlight) void one(since + (begun / rate) * 1_000);
      }, tickMs);
    });
  const [counts] = await Promise.all([
    Promise.all(kinds.map(([, pauseMs, work]) => repeat(isOver, pauseMs, work))),
    rate > 0 ? atRate() : Promise.all(Array.from({ length: concurrency }, asFastAsPossible)),
  ]);
  return {
    perSecond: begun / ((performance.now() - since) / 1_000),
    pings: latencies(times.pings),
    disconnects: latencies(times.disconnects),
    others: Object.fromEntries(kinds.map(([name], index) => [name, counts[index] ?? 0])),
    failed,
    failure,
  };
}

process.stdout.write('{"ready":true}\n');
createInterface({ input: process.stdin }).on('line', async (line) => {
  process.stdout.write(`${JSON.stringify(await round(JSON.parse(line)))}\n`);
});
