// A Redis Sentinel with scripted responses, in RESP3.

import { createServer, type Socket } from 'node:net';
import { redisHost } from './redis-server.ts';
import { onEnd } from './teardown.ts';

export interface FakeSentinel {
  /** `127.0.0.1:40001` */
  readonly address: string;
  /** Sets its responses. */
  responses: { masterPort: number; epoch: number; failoverState?: string };
  /** How often it was asked about the master. */
  readonly queries: number;
  /** Publishes a message to all subscribers. */
  publish(channel: string, message: string): void;
}

const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
const map = (pairs: Record<string, string>): string =>
  `%${Object.keys(pairs).length}\r\n${Object.entries(pairs).flat().map(bulk).join('')}`;

/** Stopped at the end of the test. */
export async function startFakeSentinel(
  masterName: string,
  responses: FakeSentinel['responses'],
): Promise<FakeSentinel> {
  const sockets = new Set<Socket>();
  let queries = 0;
  const reply = (words: readonly string[]): string => {
    const [command = '', ...rest] = words.map((word) => word.toLowerCase());
    if (command === 'hello') return map({ version: '7.0.0', mode: 'sentinel', role: 'sentinel' });
    if (command === 'subscribe')
      return rest.map((name) => `>3\r\n${bulk('subscribe')}${bulk(name)}:1\r\n`).join('');
    if (command !== 'sentinel') return command === 'ping' ? '+PONG\r\n' : '+OK\r\n';
    if (rest[0] === 'master') queries++;
    if (words[2] !== masterName) return '-ERR No such master with that name\r\n';
    const { masterPort, epoch, failoverState } = sentinel.responses;
    if (rest[0] !== 'master') return `*2\r\n${bulk(redisHost)}${bulk(String(masterPort))}`;
    return map({ 'config-epoch': String(epoch), ...(failoverState && { 'failover-state': failoverState }) });
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
      for (let end = lengthOfCommand(text); end > 0; end = lengthOfCommand(text)) {
        const words = text
          .slice(0, end)
          .split('\r\n')
          .filter((_, index) => index > 0 && index % 2 === 0);
        text = text.slice(end);
        socket.write(reply(words));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, redisHost, resolve));
  onEnd(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the server has no port');
  const sentinel: FakeSentinel = {
    address: `${redisHost}:${bound.port}`,
    responses: responses,
    get queries() {
      return queries;
    },
    publish: (channel, message) => {
      for (const socket of sockets) socket.write(`>3\r\n${bulk('message')}${bulk(channel)}${bulk(message)}`);
    },
  };
  return sentinel;
}

/** 0 while it is incomplete. */
function lengthOfCommand(text: string): number {
  const count = Number(/^\*(\d+)\r\n/.exec(text)?.[1] ?? 0);
  let at = text.indexOf('\r\n') + 2;
  for (let word = 0; word < count; word++) {
    const length = /^\$(\d+)\r\n/.exec(text.slice(at));
    if (!length) return 0;
    at += length[0].length + Number(length[1]) + 2;
  }
  return at <= text.length && count > 0 ? at : 0;
}
