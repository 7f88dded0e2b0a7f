import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import type { Delivery, Publisher } from '../../src/domain/inbound/ports.ts';
import type { Clock } from '../../src/domain/shared/ports.ts';
import { createPublisher } from '../../src/upstream/publisher.ts';
import { createMemoryLog } from '../support/log.ts';
import { httpResponse, startRawServer } from './raw-server.ts';

export const msisdn = '+237650393369';
export const message = 'g:bob@example.org:::Hello:I am well';
export const good = httpResponse('ok');

interface ClientOptions {
  readonly port: number;
  readonly host?: string;
  readonly endpoint?: string;
  readonly clock?: Clock;
  readonly timeoutMs?: number;
}

/** Publishes, and records the attempt immediately. */
export const publish = (publisher: Publisher, id: string, from: string, content: string): Promise<Delivery> =>
  publisher.publish(id, from, content, async () => {});

export function createClient({
  host = '127.0.0.1',
  endpoint = '/publish',
  ...options
}: ClientOptions): Publisher {
  const { port, clock = systemClock, timeoutMs = 10_000 } = options;
  const publisher = createPublisher({ host, port, endpoint, timeoutMs, clock, log: createMemoryLog() });
  onTestFinished(async () => void (await publisher.close()));
  return publisher;
}

export const respondingWith = async (response: Buffer | string) => {
  const server = await startRawServer((socket) => void socket.write(response));
  return { server, publisher: createClient({ port: server.port }) };
};
