// All that goes on beside pings and disconnects: lists, pairings, SMS, large requests, metrics and the console, each at a rate.
// Argument: a file with a TailPlan. A line on stdin with a TailRound starts a round; a line of JSON has its BesideResult.

import { readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { createInterface } from 'node:readline';
import { Pool } from 'undici';
import { sms } from '../fixtures.ts';
import { type OpenLoopResult, runOpenLoop } from './open-loop.ts';
import { createOperator } from './operator.ts';
import { createPhone } from './phone.ts';
import { send } from './send.ts';
import type { TailPlan, TailRound } from './tail.ts';

/** By kind. */
export type BesideResult = Readonly<Record<string, OpenLoopResult>>;

const connections = 32;
/** The core is shared with the process that measures and with the stubs, which must not wait for this one. */
setPriority(10);

const plan: TailPlan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const url = plan.ours.gateway;
const gateway = new Pool(url, { connections, pipelining: 1 });
const phone = createPhone(url, connections);
const look = createOperator(url, plan.adminToken);

const recipients = Array.from({ length: 1_000 }, (_, index) => ({
  number: `+2376${String(50_000_000 + index)}`,
  text: 'a text with ünusual characters, which is longer than one SMS of seventy characters may be',
}));
const manyRecipients = JSON.stringify(recipients);
const get = (path: string) => (): Promise<void> => send(gateway, { method: 'GET', path });

const kinds: readonly (readonly [name: string, perSecond: number, work: (turn: number) => Promise<void>])[] =
  [
    ['SMS', 40, (turn) => send(gateway, sms(turn % plan.users))],
    ['pairings', 10, (turn) => phone.pair(`user-${turn % 1_000}`, false)],
    ['console', 4, look],
    ['lists', 3, get('/seeds')],
    [
      'operators of 1,000 recipients',
      1,
      () => send(gateway, { method: 'POST', path: '/v1/sms/operators', body: manyRecipients }),
    ],
    ['lists of seeders', 1, get('/seeders')],
    ['metrics', 0.5, get('/metrics')],
  ];
const turns = kinds.map(() => 0);

async function round({ seconds, factor }: TailRound): Promise<BesideResult> {
  const results = await Promise.all(
    kinds.map(async ([name, perSecond, work], kind) => {
      const result = await runOpenLoop({ seconds, perSecond: factor * perSecond }, () => {
        const turn = turns[kind] ?? 0;
        turns[kind] = turn + 1;
        return work(turn);
      });
      return [name, result] as const;
    }),
  );
  return Object.fromEntries(results);
}

process.stdout.write('{"ready":true}\n');
createInterface({ input: process.stdin }).on('line', async (line) => {
  process.stdout.write(`${JSON.stringify(await round(JSON.parse(line)))}\n`);
});
