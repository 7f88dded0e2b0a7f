// Sync sockets of which each lasts until the gateway has shown its last code, and is then replaced by one of a new session.
// Arguments: the gateway's URL, number of sockets, codes of each, milliseconds of a code. A line on stdin closes all, and prints a
// line of JSON: a LastingFrames.

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { WebSocket } from 'ws';
import { percentile } from '../statistics.ts';

export interface LastingFrames {
  readonly opened: number;
  readonly frames: number;
  /** Of sockets that ended as they should. */
  readonly lost: number;
  /** Sockets that were refused, or ended early. */
  readonly dropped: number;
  /** Why the last one was. */
  readonly reason: string;
  /** How late frames were, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const [gateway = '', count = '1', codes = '1', rotation = '15000'] = process.argv.slice(2);
const rotateMs = Number(rotation);
/** Percentiles are of the newest frames up to this number. */
const maxFrames = 100_000;
const retryMs = 1_000;

const pool = new Pool(gateway, { connections: 8, pipelining: 1 });
const held = new Set<WebSocket>();
const late: number[] = [];
let [opened, frames, lost, dropped, max, reason] = [0, 0, 0, 0, 0, ''];
let closing = false;

/** Resolves when the socket has ended. */
async function holdOne(user: number): Promise<void> {
  const { statusCode, body } = await pool.request({ method: 'GET', path: `/v2/sync/users/socket-${user}` });
  const url = await body.text();
  if (statusCode !== 200) throw new Error(`new session: ${statusCode} ${url}`);
  const socket = new WebSocket(url, { perMessageDeflate: false });
  held.add(socket);
  opened++;
  let [own, lastAt] = [0, 0];
  socket.on('message', () => {
    const now = performance.now();
    if (own++ > 0) {
      const delay = now - lastAt - rotateMs;
      late[frames++ % maxFrames] = delay;
      max = Math.max(max, delay);
    }
    lastAt = now;
  });
  try {
    const [code, text]: [number, Buffer] = await ended(socket);
    if (closing) return;
    if (code !== 1000) throw new Error(`closed with ${code} ${text}`);
    lost += Number(codes) - own;
  } finally {
    held.delete(socket);
  }
}

async function ended(socket: WebSocket): Promise<[number, Buffer]> {
  const [code, text] = await once(socket, 'close');
  return [code, text];
}

async function holdOneAfterAnother(user: number): Promise<void> {
  // Spread over the lifetime of one, so that not all end at once.
  await sleep((user / Number(count)) * Number(codes) * rotateMs);
  while (!closing) {
    try {
      await holdOne(user);
    } catch (error) {
      if (closing) return;
      dropped++;
      reason = error instanceof Error ? error.message : String(error);
      await sleep(retryMs);
    }
  }
}

for (let user = 0; user < Number(count); user++) void holdOneAfterAnother(user);
process.stdout.write('{"ready":true}\n');
for await (const _ of createInterface({ input: process.stdin })) {
  closing = true;
  for (const socket of held) socket.terminate();
  const result: LastingFrames = {
    ...{ opened, frames, lost, dropped, reason, max },
    p50: percentile(late, 50),
    p99: percentile(late, 99),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
