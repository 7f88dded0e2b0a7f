// Requests between nodes over Redis: each topic is a channel beside that of the bus. Used by app/compose.

import type { NodeChannel } from '../domain/shared/node-requests.ts';
import type { RedisBusDeps } from './redis.ts';

export function createRedisNodeChannel({
  channels,
  prefix,
}: Pick<RedisBusDeps, 'channels' | 'prefix'>): NodeChannel {
  const nameOf = (topic: string): string => `${prefix}:bus:${topic}`;
  return {
    publish: async (topic, text) => void (await channels.publish(nameOf(topic), text)),
    subscribe: (topic, listener) => channels.subscribe(nameOf(topic), listener),
  };
}
