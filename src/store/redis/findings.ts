// Checks the Redis of the store: its version, replicas, persistence, eviction, and the names of nodes. Used by inspect.ts.

import type { NodeEntry } from '../../domain/monitoring/model.ts';
import { type Finding, fail, ok, warn } from '../../lib/finding.ts';

/** Of one master, as inspect.ts reads them; undefined where our user lacks the permission. */
export interface RedisFacts {
  /** `127.0.0.1:6379` */
  readonly name: string;
  readonly version: string | undefined;
  /** Connected replicas. */
  readonly replicas: number | undefined;
  readonly appendonly: string | undefined;
  readonly appendfsync: string | undefined;
  readonly maxmemoryPolicy: string | undefined;
}

/** `requiredReplicas`: [store] replicas. */
export function checkRedis(facts: RedisFacts, requiredReplicas: number): Finding[] {
  const { name, version, replicas } = facts;
  const replicaCount = replicas === undefined ? 'an unknown number of' : String(replicas);
  const detail = `${name}, Redis ${version ?? 'of an unknown version'}, ${replicaCount} replica(s)`;
  const connectionFinding =
    replicas !== undefined && replicas < requiredReplicas
      ? fail(
          'redis',
          `${detail}; [store] replicas requires ${requiredReplicas}`,
          'start the replicas: until then every write is refused',
        )
      : ok('redis', detail);
  return [connectionFinding, checkPersistence(facts), checkEviction(facts)];
}

function checkPersistence({ name, appendonly, appendfsync }: RedisFacts): Finding {
  const check = 'redis persistence';
  if (appendonly === undefined)
    return warn(
      check,
      `${name} does not let our user read its configuration`,
      'make sure that it has appendonly yes and appendfsync always',
    );
  if (appendonly !== 'yes') {
    return warn(
      check,
      `${name} has appendonly ${appendonly}: a crash or restart can lose all writes since its last snapshot, or all data`,
      'set appendonly yes and appendfsync always',
    );
  }
  if (appendfsync === 'always')
    return ok(check, `${name} syncs every write to disk before it acknowledges it`);
  const lost = appendfsync === 'everysec' ? 'the last two seconds' : 'the last 30 seconds or more';
  return warn(
    check,
    `${name} has appendfsync ${appendfsync}: a power failure can lose ${lost} of acknowledged writes`,
    'set appendfsync always, or have replicas acknowledge every write with [store] replicas',
  );
}

function checkEviction({ name, maxmemoryPolicy }: RedisFacts): Finding {
  const check = 'redis eviction';
  if (maxmemoryPolicy === undefined)
    return warn(
      check,
      `${name} does not let our user read its configuration`,
      'make sure that it has maxmemory-policy noeviction',
    );
  if (maxmemoryPolicy === 'noeviction') return ok(check, `${name} evicts nothing`);
  return fail(
    check,
    `${name} has maxmemory-policy ${maxmemoryPolicy}: it evicts registrations and keys when it is full`,
    'set maxmemory-policy noeviction',
  );
}

/** Processes that found their name taken. */
export function checkNodeNames(nodes: readonly NodeEntry[]): Finding[] {
  return nodes.flatMap(({ name, state: { duplicateOf, isStopped } }) =>
    duplicateOf === undefined || isStopped
      ? []
      : warn(
          'node names',
          `two processes have the name ${duplicateOf}; the later one is shown as ${name}, and its history ends with it`,
          'give each process another [metrics] node, and restart it',
        ),
  );
}
