// Many sync sockets. Arguments: the gateway's URL (to open sessions) or `-`, the websocket server's URL, milliseconds of
// a rotation. Lines on stdin: `open <n>` opens n, `close` closes all; each prints a line of JSON, the second with the
// delays of frames and what was lost.

import { createInterface } from 'node:readline';
import { Pool } from 'undici';
import { WebSocket } from 'ws';
import { percentile } from '../statistics.ts';

const [gateway = '-', server = '', rotation = '15000'] = process.argv.slice(2);
const rotateMs = Number(rotation);
const concurrency = 50;
/** A frame that is this late when the sockets close does not count as lost. */
const graceMs = 1_000;

interface Held {
  readonly socket: WebSocket;
  frames: number;
  firstAt: number;
  lastAt: number;
}

const pool = gateway === '-' ? undefined : new Pool(gateway, { connections: concurrency, pipelining: 1 });
const held: Held[] = [];
let late: number[] = [];
let dropped = 0;
let closing = false;
let users = 0;

async function urlOf(user: number): Promise<string> {
  if (!pool) return server;
  const { statusCode, body } = await pool.request({ method: 'GET', path: `/v2/sync/users/user-${user}` });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`new session: ${statusCode} ${text}`);
  return text;
}

async function openOne(user: number): Promise<void> {
  const socket = new WebSocket(await urlOf(user), { perMessageDeflate: false });
  const entry: Held = { socket, frames: 0, firstAt: 0, lastAt: 0 };
  held.push(entry);
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => {
      if (!closing) dropped++;
    });
    socket.on('message', () => {
      const now = performance.now();
      if (entry.frames++ > 0) late.push(now - entry.lastAt - rotateMs);
      else entry.firstAt = now;
      entry.lastAt = now;
      resolve();
    });
  });
}

async function open(count: number): Promise<object> {
  const since = performance.now();
  let left = count;
  const opener = async (): Promise<void> => {
    while (left-- > 0) await openOne(users++);
  };
  await Promise.all(Array.from({ length: concurrency }, opener));
  return { open: held.length, perSecond: count / ((performance.now() - since) / 1_000) };
}

async function close(): Promise<object> {
  const now = performance.now();
  const expected = (firstAt: number): number => 1 + Math.floor((now - firstAt - graceMs) / rotateMs);
  const lost = held.reduce((sum, { frames, firstAt }) => sum + Math.max(0, expected(firstAt) - frames), 0);
  const answer = {
    frames: late.length,
    lost,
    dropped,
    p50: percentile(late, 50),
    p99: percentile(late, 99),
    max: percentile(late, 100),
  };
  closing = true;
  await Promise.all(
    held.splice(0).map(({ socket }) => new Promise((resolve) => socket.on('close', resolve).terminate())),
  );
  closing = false;
  late = [];
  dropped = 0;
  return answer;
}

process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, count] = line.split(' ');
  const answer = verb === 'open' ? await open(Number(count)) : await close();
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
