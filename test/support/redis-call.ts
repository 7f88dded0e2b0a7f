// One command sent to a Redis, as redis-cli does, whose processes took more CPU time in the tests than the servers themselves.

import { Redis, type RedisOptions } from 'ioredis';
import { patient } from './patience.ts';

const timeoutMs = patient(60_000);

/**
 * Sends a command on a connection of its own. Resolves to the reply as text: the members of an array on a line each, nothing for nil.
 * Rejects when the reply is an error, and when the server does not listen or ends.
 */
export async function callRedis(
  server: Pick<RedisOptions, 'port' | 'password' | 'tls'>,
  [command = '', ...args]: readonly string[],
): Promise<string> {
  const redis = new Redis({
    ...server,
    host: '127.0.0.1',
    lazyConnect: true,
    // A server that is loading or has no master is asked as well.
    enableReadyCheck: false,
    retryStrategy: () => null,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
  });
  let failure: Error | undefined;
  redis.on('error', (error) => {
    failure = error;
  });
  try {
    await redis.connect();
    return textOf(await redis.call(command, args)).trimEnd();
  } catch (error) {
    // ioredis itself only says that the connection is closed.
    throw failure ?? error;
  } finally {
    redis.disconnect();
  }
}

function textOf(reply: unknown): string {
  return Array.isArray(reply) ? reply.map(textOf).join('\n') : String(reply ?? '');
}
