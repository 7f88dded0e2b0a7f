// The Publisher, which sends mail and chat: where the plain text of an inbound SMS goes. Used by publishing.

import { upstreamUrl } from '../domain/addresses.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { Publisher } from '../domain/upstreams.ts';
import { SwobError } from '../errors.ts';
import { createConnections, type PoolUsage } from './connections.ts';
import { ExchangeError, exchange, type Failure } from './exchange.ts';

const maxBodyBytes = 64 * 1024;
const pool = { min: 0, max: 64, waitTimeoutMs: 5_000 };
/** Statuses that speak of the message itself. A 401 or 404 speaks of a configuration that is about to be mended. */
const forGood: ReadonlySet<number> = new Set([400, 413, 422]);

export interface PublisherOptions {
  /** `https://` may stand before it. */
  readonly host: string;
  readonly port: number;
  /** Path, maybe with a query. */
  readonly endpoint: string;
  /** Milliseconds for one message, from connecting to the last byte; waiting for a connection is not in it. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * A client of the Publisher, at most 64 messages at a time. Only the status of an answer counts: 2xx is success,
 * even when the rest of the answer never comes, because asking again would publish twice. No error quotes a
 * message or a number.
 */
export function createPublisher(options: PublisherOptions): Publisher & { usage(): PoolUsage } {
  const { host, port, endpoint: path, timeoutMs, clock, log } = options;
  const origin = upstreamUrl({ host, port, endpoint: '' });
  const secure = origin.startsWith('https://');
  const name = `the Publisher at ${origin.replace(/^https?:\/\//, '')}`;
  const connections = createConnections({
    name: 'Publisher',
    ...pool,
    host: host.replace(/^https:\/\//, ''),
    port,
    origin,
    tls: secure ? {} : undefined,
    connectTimeoutMs: timeoutMs,
    clock,
    log,
  });

  const statusOf = async (id: string, body: string): Promise<number> => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': id };
    try {
      const answer = await connections.use((client) =>
        exchange(client, { method: 'POST', path, headers, body, timeoutMs, maxBodyBytes, clock }),
      );
      return answer.status;
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      if (error.status !== undefined) return error.status;
      throw new SwobError('UNAVAILABLE', `${name} ${reasonOf(error.failure, timeoutMs)}`);
    }
  };

  return {
    publish: async (id, msisdn, message) => {
      const status = await statusOf(id, JSON.stringify({ MSISDN: msisdn, message }));
      if (status >= 200 && status < 300) return;
      throw new SwobError(forGood.has(status) ? 'UPSTREAM' : 'UNAVAILABLE', `${name} answered ${status}`);
    },
    usage: () => connections.usage(),
    close: () => connections.close(),
  };
}

function reasonOf(failure: Failure, timeoutMs: number): string {
  switch (failure.kind) {
    case 'timeout':
      return `did not answer within ${timeoutMs} ms`;
    case 'too large':
      return `sent an answer over ${maxBodyBytes} bytes`;
    case 'unreachable':
      return `is unreachable (${failure.code})`;
    case 'broken':
      return `broke its answer off (${failure.code})`;
  }
}
