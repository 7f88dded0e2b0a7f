// Pings and disconnects at a rate, in a process of their own, so that their latencies do not contain what other load costs. Argument:
// a file with a TailPlan. A line on stdin with a TailRound starts a round; a line of JSON has its TailResult.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Pool } from 'undici';
import { pings } from '../fixtures.ts';
import type { HttpRequest } from '../http-load.ts';
import { type OpenLoopResult, runOpenLoop } from './open-loop.ts';
import { send } from './send.ts';

/** The URLs of what answers pings, and disconnects. */
interface Services {
  readonly gateway: string;
  readonly disconnect: string;
}

export interface TailPlan {
  readonly ours: Services;
  readonly baseline: Services;
  readonly disconnects: readonly HttpRequest[];
  readonly users: number;
  readonly seeds: number;
  readonly adminToken: string;
}

export interface TailRound {
  readonly seconds: number;
  /** Of the rates. */
  readonly factor: number;
  readonly side: 'ours' | 'baseline';
}

export interface TailResult {
  readonly pings: OpenLoopResult;
  readonly disconnects: OpenLoopResult;
}

const connections = 32;
const pingsPerSecond = 1_000;
const disconnectsPerSecond = 60;

const plan: TailPlan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const connect = ({ gateway, disconnect }: Services) => ({
  gateway: new Pool(gateway, { connections, pipelining: 1 }),
  disconnect: new Pool(disconnect, { connections, pipelining: 1 }),
});
const pools = { ours: connect(plan.ours), baseline: connect(plan.baseline) };
const allPings = pings(plan.seeds);
let [pinged, disconnected] = [0, 0];

/** The requests in turn, over all rounds. */
function sendNext(pool: Pool, requests: readonly HttpRequest[], turn: number): Promise<void> {
  const request = requests[turn % requests.length];
  return request ? send(pool, request) : Promise.resolve();
}

async function round({ seconds, factor, side }: TailRound): Promise<TailResult> {
  const { gateway, disconnect } = pools[side];
  const [ping, end] = await Promise.all([
    runOpenLoop({ seconds, perSecond: factor * pingsPerSecond }, () => sendNext(gateway, allPings, pinged++)),
    runOpenLoop({ seconds, perSecond: factor * disconnectsPerSecond }, () =>
      sendNext(disconnect, plan.disconnects, disconnected++),
    ),
  ]);
  return { pings: ping, disconnects: end };
}

process.stdout.write('{"ready":true}\n');
createInterface({ input: process.stdin }).on('line', async (line) => {
  process.stdout.write(`${JSON.stringify(await round(JSON.parse(line)))}\n`);
});
