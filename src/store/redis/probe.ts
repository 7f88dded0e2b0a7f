// A durable write that changes nothing: whether Redis takes writes, and the replicas confirm them. Used by store.ts for readiness,
// and by inspect.ts for `swob doctor`.

import type { RedisScript } from '../../redis/connect.ts';
import type { KeySpace, ScriptRunner } from './script.ts';

const ttlMs = 60_000;
/** With so many keys for each master of a cluster, hardly one has none. */
const keysPerMaster = 8;

const script: RedisScript = {
  name: 'probe',
  keys: 1,
  lua: "return redis.call('SET', KEYS[1], '', 'PX', ARGV[1])",
};

type Runner = Pick<ScriptRunner, 'durable'>;

/** @param id of its own for each process. Throws UNAVAILABLE, or CONFIG when our user may not write. */
export async function probeWrite(redis: Runner, keys: KeySpace, id: string): Promise<void> {
  await redis.durable(script, [keys.single('probe', id)], [ttlMs]);
}

/** The same for several masters. */
export async function probeWrites(redis: Runner, keys: KeySpace, id: string, masters: number): Promise<void> {
  const count = masters === 1 ? 1 : keysPerMaster * masters;
  await Promise.all(Array.from({ length: count }, (_, n) => probeWrite(redis, keys, `${id}-${n}`)));
}
