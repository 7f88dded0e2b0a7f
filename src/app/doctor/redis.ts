// The Redis of the store: that it answers us, and what it keeps when it or its machine fails. Used by `swob doctor`.

import { type Finding, fail, ok, warn } from './finding.ts';

/** What app/compose/doctor.ts knows of one master; undefined where our user may not look. */
export interface RedisFacts {
  /** `127.0.0.1:6379` */
  readonly name: string;
  readonly version: string | undefined;
  /** Connected ones. */
  readonly replicas: number | undefined;
  readonly appendonly: string | undefined;
  readonly appendfsync: string | undefined;
  readonly maxmemoryPolicy: string | undefined;
}

/** `needed`: [store] replicas. */
export function checkRedis(facts: RedisFacts, needed: number): Finding[] {
  const { name, version, replicas } = facts;
  const has = replicas === undefined ? 'an unknown number of' : String(replicas);
  const detail = `${name}, Redis ${version ?? 'of an unknown version'}, ${has} replica(s)`;
  const reached =
    replicas !== undefined && replicas < needed
      ? fail(
          'redis',
          `${detail}; [store] replicas wants ${needed}`,
          'start the replicas: until then no write is kept',
        )
      : ok('redis', detail);
  return [reached, persistence(facts), eviction(facts)];
}

function persistence({ name, appendonly, appendfsync }: RedisFacts): Finding {
  const check = 'redis persistence';
  if (appendonly === undefined)
    return warn(
      check,
      `${name} does not let us look`,
      'see to it that it has appendonly yes and appendfsync always',
    );
  if (appendonly !== 'yes') {
    return warn(
      check,
      `${name} has appendonly ${appendonly}: a crash or restart can lose all since its last snapshot, or everything`,
      'set appendonly yes and appendfsync always',
    );
  }
  if (appendfsync === 'always') return ok(check, `${name} has every write on disk before it answers`);
  const lost = appendfsync === 'everysec' ? 'the last second or two' : 'half a minute and more';
  return warn(
    check,
    `${name} has appendfsync ${appendfsync}: a power cut can lose ${lost} of what was acknowledged`,
    'set appendfsync always, or let [store] replicas have every write',
  );
}

function eviction({ name, maxmemoryPolicy }: RedisFacts): Finding {
  const check = 'redis eviction';
  if (maxmemoryPolicy === undefined)
    return warn(check, `${name} does not let us look`, 'see to it that it has maxmemory-policy noeviction');
  if (maxmemoryPolicy === 'noeviction') return ok(check, `${name} throws nothing away`);
  return fail(
    check,
    `${name} has maxmemory-policy ${maxmemoryPolicy}: when it is full it throws registrations and keys away`,
    'set maxmemory-policy noeviction',
  );
}
