// Mixed load of every kind at a rate, for the soak test. Argument: a file with a Plan. A line on stdin with {"seconds", "rate"}
// starts a round (rate 0: as fast as responses arrive), a line with {"stop": true} ends it early, and a line of JSON has its
// result.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Pool } from 'undici';
import { pings, sms } from '../fixtures.ts';
import type { HttpRequest } from '../http-load.ts';
import { imsiOf, numberOf } from '../numbers.ts';
import { percentile } from '../statistics.ts';
import { createOperator } from './operator.ts';
import { createPhone } from './phone.ts';
import { send } from './send.ts';

export interface Plan {
  readonly gateway: string;
  readonly disconnect: string;
  readonly disconnects: readonly HttpRequest[];
  /** Paired users in the store. */
  readonly users: number;
  readonly adminToken: string;
  /** The developer who sends SMS, and where their results are reported; null without a broker. */
  readonly developer: {
    readonly authId: string;
    readonly authKey: string;
    readonly callbackUrl: string;
  } | null;
}

export interface MixedResult {
  readonly perSecond: number;
  readonly requests: number;
  readonly failed: number;
  /** The message of the last failure. */
  readonly failure: string;
  /** Requests not sent in time because too many were in flight. */
  readonly skipped: number;
  readonly p50: number;
  readonly p99: number;
}

const concurrency = 32;
/** Interval of sending; several requests each time at a high rate. */
const tickMs = 10;
const maxInFlight = 256;
/** Percentiles are of the newest samples up to this number. */
const maxSamples = 100_000;

const plan: Plan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const gateway = new Pool(plan.gateway, { connections: concurrency, pipelining: 1 });
const disconnect = new Pool(plan.disconnect, { connections: concurrency, pipelining: 1 });
const phone = createPhone(plan.gateway, concurrency);
const look = createOperator(plan.gateway, plan.adminToken);
const seeds = 1_000;
const allPings = pings(seeds);
let lastSms = sms(0);

/** The requests in turn. */
function sendOne(pool: Pool, requests: readonly HttpRequest[], turn: number): Promise<void> {
  const request = requests[turn % requests.length];
  if (!request) throw new Error('there is no request');
  return send(pool, request);
}

function sendSms(turn: number): Promise<void> {
  lastSms = sms(turn % plan.users);
  return send(gateway, lastSms);
}

const ping = (turn: number): Promise<void> => sendOne(gateway, allPings, turn);
const get = (path: string): Promise<void> => send(gateway, { method: 'GET', path });

function sendOutgoing(turn: number): Promise<void> {
  if (!plan.developer) return ping(turn);
  const { authId, authKey, callbackUrl } = plan.developer;
  const data = Array.from({ length: 3 }, (_, index) => ({
    ...{ number: numberOf((3 * turn + index) % plan.users), operator_name: 'MTN Cameroon' },
    text: `no ${turn}/${index}`,
  }));
  const body = { auth_id: authId, auth_key: authKey, data, callback_url: callbackUrl };
  return send(gateway, { method: 'POST', path: '/v1/sms', body: JSON.stringify(body) });
}

/** Shares of a hundred requests; `turn` counts those of the kind. A pairing counts as one, but is three. */
const kinds: readonly (readonly [share: number, (turn: number) => Promise<void>])[] = [
  [77, ping],
  [1, () => get('/seeds')],
  [2, (turn) => get(turn % 2 === 0 ? '/seeders' : `/seeds/${imsiOf(turn % seeds)}`)],
  [2, (turn) => get(`/v2/sync/users/user-${turn % 1_000}`)],
  [5, (turn) => sendOne(disconnect, plan.disconnects, turn)],
  [8, sendSms],
  [1, () => send(gateway, lastSms)],
  [1, (turn) => phone.pair(`user-${turn % 1_000}`, false)],
  [2, look],
  [1, sendOutgoing],
];
const slots = kinds.flatMap(([share], kind) => Array.from({ length: share }, () => kind));
const turnsOfKind = kinds.map(() => 0);
let turns = 0;

function work(): Promise<void> {
  // 37 and 100 have no common divisor: the kinds alternate, and each gets its share.
  const kind = slots[(turns++ * 37) % slots.length] ?? 0;
  const turn = turnsOfKind[kind] ?? 0;
  turnsOfKind[kind] = turn + 1;
  return kinds[kind]?.[1](turn) ?? Promise.resolve();
}

let stopped = false;

async function round({ seconds, rate }: { seconds: number; rate: number }): Promise<MixedResult> {
  const times: number[] = [];
  const running = new Set<Promise<void>>();
  const since = performance.now();
  const until = since + seconds * 1_000;
  const isOver = (): boolean => stopped || performance.now() >= until;
  let [requests, failed, skipped, failure] = [0, 0, 0, ''];
  const one = async (): Promise<void> => {
    const began = performance.now();
    try {
      await work();
      times[requests % maxSamples] = performance.now() - began;
    } catch (error) {
      failed++;
      failure = error instanceof Error ? error.message : String(error);
    }
    requests++;
  };
  const asFastAsPossible = async (): Promise<void> => {
    while (!isOver()) await one();
  };
  const atRate = (): Promise<void> =>
    new Promise((resolve) => {
      let begun = 0;
      const timer = setInterval(() => {
        if (isOver()) {
          clearInterval(timer);
          return resolve();
        }
        for (const due = ((performance.now() - since) / 1_000) * rate; begun < due; begun++) {
          if (running.size >= maxInFlight) skipped++;
          else {
            const started = one().finally(() => running.delete(started));
            running.add(started);
          }
        }
      }, tickMs);
    });
  if (rate > 0) await atRate();
  else await Promise.all(Array.from({ length: concurrency }, asFastAsPossible));
  await Promise.all(running);
  return {
    perSecond: requests / ((performance.now() - since) / 1_000),
    ...{ requests, failed, failure, skipped },
    p50: percentile(times, 50),
    p99: percentile(times, 99),
  };
}

process.stdout.write('{"ready":true}\n');
createInterface({ input: process.stdin }).on('line', async (line) => {
  const order: { stop?: boolean; seconds: number; rate: number } = JSON.parse(line);
  if (order.stop) {
    stopped = true;
    return;
  }
  process.stdout.write(`${JSON.stringify(await round(order))}\n`);
});
