// Mixed load at a rate, for the soak test. Argument: a file with a Plan. A line on stdin with {"seconds", "rate"}
// starts a round (rate 0: as fast as responses arrive), and a line of JSON ends it.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Pool } from 'undici';
import { pings, smsRequests } from '../fixtures.ts';
import type { HttpRequest } from '../http-load.ts';
import { percentile } from '../statistics.ts';
import { createPhone } from './phone.ts';

export interface Plan {
  readonly gateway: string;
  readonly disconnect: string;
  readonly disconnects: readonly HttpRequest[];
  /** Paired users in the store. */
  readonly users: number;
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
const allPings = pings(1_000);

async function send(pool: Pool, { method, path, body }: HttpRequest): Promise<void> {
  const answer = await pool.request({
    method,
    path,
    ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
  });
  await answer.body.dump();
  if (answer.statusCode !== 200) throw new Error(`${method} ${path}: ${answer.statusCode}`);
}

/** Of a hundred requests 90 are pings, the rest are of every other kind; a pairing counts as three. */
function work(turn: number): Promise<void> {
  const kind = turn % 100;
  const at = <T>(list: readonly T[]): T => {
    const item = list[Math.floor(turn / 100 + kind * 10) % list.length];
    if (item === undefined) throw new Error('an empty list');
    return item;
  };
  if (kind < 90) return send(gateway, at(allPings));
  if (kind < 91) return send(gateway, { method: 'GET', path: '/seeds' });
  if (kind < 93) return send(gateway, { method: 'GET', path: `/v2/sync/users/user-${turn % 1_000}` });
  if (kind < 96) return send(disconnect, at(plan.disconnects));
  if (kind < 99) return send(gateway, at(smsRequests(1, plan.users)));
  return phone.pair(`user-${turn % 1_000}`, false);
}

let turns = 0;

async function round({ seconds, rate }: { seconds: number; rate: number }): Promise<MixedResult> {
  const times: number[] = [];
  const running = new Set<Promise<void>>();
  const since = performance.now();
  const until = since + seconds * 1_000;
  let [requests, failed, skipped, failure] = [0, 0, 0, ''];
  const one = async (): Promise<void> => {
    const began = performance.now();
    try {
      await work(turns++);
      times[requests % maxSamples] = performance.now() - began;
    } catch (error) {
      failed++;
      failure = error instanceof Error ? error.message : String(error);
    }
    requests++;
  };
  const asFastAsPossible = async (): Promise<void> => {
    while (performance.now() < until) await one();
  };
  const atRate = (): Promise<void> =>
    new Promise((resolve) => {
      let begun = 0;
      const timer = setInterval(() => {
        const now = performance.now();
        if (now >= until) {
          clearInterval(timer);
          return resolve();
        }
        for (const due = ((now - since) / 1_000) * rate; begun < due; begun++) {
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
    requests,
    failed,
    failure,
    skipped,
    p50: percentile(times, 50),
    p99: percentile(times, 99),
  };
}

process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await round(JSON.parse(line)))}\n`);
}
