// The address of a Redis server. Used by the other files of this folder, and by store/redis.

import { bracketHost } from '../lib/net.ts';

/** An IPv6 host has no brackets. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** `[::1]:6379`, `redis.example.org:6379`. */
export function formatAddress({ host, port }: RedisAddress): string {
  return `${bracketHost(host)}:${port}`;
}
