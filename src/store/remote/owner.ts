// The side of the process that has the embedded store open: it serves the store to its clients, and knows which of them has
// claimed what. Used by the primary process of `swob serve --workers`.

import { createPairingSteps } from '../../domain/pairing/steps.ts';
import type { CountedKey } from '../../domain/shared/limit-keys.ts';
import type { LeaseStore, LimitStore, SharedStore } from '../../domain/shared/ports.ts';
import { consumeEach, refundEach } from '../../domain/shared/rate-limiting.ts';
import { SwobError } from '../../errors.ts';
import { isObject } from '../../lib/json.ts';
import type { ProcessOutboxes } from '../adapter.ts';
import { createMemoryLeases, type MemoryLeases } from '../memory/leases.ts';
import { createActiveSeeds } from './active-seeds.ts';
import { type ServedCall, serveCalls } from './call-server.ts';
import { leaveCall, type RemoteParts, remoteCalls } from './calls.ts';
import { createChannelHub } from './channel-hub.ts';
import type { Peer, StoreOwner, StoreOwnerDeps } from './interface.ts';

/** Names that clients agree on; there is one. */
const maxAgreements = 100;

export function createStoreOwner({ store, clock, log }: StoreOwnerDeps): StoreOwner {
  const leases = createMemoryLeases(clock);
  const agreements = createAgreements();
  const hub = createChannelHub();
  const limits = withGroups(store.limits);
  const pairingSteps = createPairingSteps(store, clock);
  const clients = new Set<() => void>();

  const serve = (peer: Peer): (() => void) => {
    const outboxes = store.joinProcess();
    const held = holdLeases(leases, limits);
    const agreed = agreements.join();
    const channels = hub.join(() => server.batch);
    const parts: RemoteParts = {
      ...store,
      ...outboxes,
      limits,
      pairingSteps,
      activeSeeds: createActiveSeeds(store.seeds),
      leases: held.leases,
      shared: agreed,
      store,
      channels: channels.channels,
    };
    let isGone = false;
    const release = (): void => {
      if (isGone) return;
      isGone = true;
      outboxes.release();
      held.release();
      agreed.leave();
      channels.leave();
    };
    const leave = async (): Promise<void> => {
      server.stop();
      // This call runs, too.
      await server.idle(1);
      release();
    };
    const leaving: ServedCall = { run: leave, isDeferred: false };
    const calls = new Map([...callsOf(parts, undosOf(outboxes, held, limits)), [leaveCall, leaving]]);
    const server = serveCalls(peer, calls, log);
    const end = (): void => {
      server.stop();
      release();
      clients.delete(end);
    };
    clients.add(end);
    peer.onClose(end);
    return end;
  };

  return {
    serve,
    close: () => {
      for (const end of clients) end();
    },
  };
}

/** The calls of the table that the owner runs, by their names. */
function callsOf(
  parts: RemoteParts,
  undos: ReadonlyMap<string, ServedCall['undo']>,
): (readonly [name: string, call: ServedCall])[] {
  return Object.entries(remoteCalls).flatMap(([part, methods]) =>
    Object.entries(methods)
      .filter(([, kind]) => kind !== 'local')
      .map(([method, kind]) => {
        // Safe cast: the table has exactly the parts and methods of RemoteParts, and clients pass the arguments of its types.
        const run = Reflect.get(Reflect.get(parts, part), method) as ServedCall['run'];
        const name = `${part}.${method}`;
        return [name, { run, isDeferred: kind === 'report', undo: undos.get(name) }] as const;
      }),
  );
}

/** Takes back claims, leases and counts of which the client does not learn, as the client returns claims of which it learns too late. */
function undosOf(
  outboxes: ProcessOutboxes,
  held: HeldLeases,
  limits: Required<LimitStore>,
): ReadonlyMap<string, ServedCall['undo']> {
  const undos = new Map<string, ServedCall['undo']>();
  for (const name of ['inbound', 'callbacks', 'waitingSms'] as const) {
    const release = (id: unknown, until: unknown): void => {
      if (typeof id !== 'string' || typeof until !== 'number') return;
      outboxes[name].postpone(id, until).catch(() => undefined);
    };
    undos.set(`${name}.claim`, ([now], ids) => {
      for (const id of Array.isArray(ids) ? ids : []) release(id, now);
    });
    undos.set(`${name}.putClaimed`, ([entry], claim) => {
      if (claim === 'claimed' && isObject(entry)) release(entry.id, entry.dueAt ?? entry.since);
    });
  }
  const endLease = (key: unknown, granted: unknown): void => {
    if (!isObject(granted) || granted.acquired !== true) return;
    held.end(String(key), String(granted.leaseId));
  };
  // Safe casts: clients pass the arguments of the types of the calls.
  const refund = (counts: unknown, events: unknown): void => {
    for (const { key, limit } of counts as readonly CountedKey[])
      limits.refund(key, limit, events as number | undefined).catch(() => undefined);
  };
  undos.set('leases.acquire', ([key], granted) => endLease(key, granted));
  undos.set('leases.acquireCounted', ([key, , counts], granted) => {
    endLease(key, granted);
    if (isObject(granted) && 'leaseId' in granted) refund(counts, 1);
  });
  undos.set('limits.consume', ([key, limit, events], seconds) => {
    if (seconds === 0) refund([{ key, limit }], events);
  });
  undos.set('limits.consumeAll', ([counts, events], exceeded) => {
    if (exceeded === undefined) refund(counts, events);
  });
  return undos;
}

function withGroups(limits: LimitStore): Required<LimitStore> {
  return {
    ...limits,
    consumeAll: async (counts, events) => consumeEach(limits, counts, events),
    refundAll: (counts) => refundEach(limits, counts),
  };
}

interface HeldLeases {
  readonly leases: Required<LeaseStore>;
  /** Ends one of them. */
  end(key: string, leaseId: string): void;
  release(): void;
}

/** The leases as one client uses them; those that it holds end with it. */
function holdLeases(leases: MemoryLeases, limits: Required<LimitStore>): HeldLeases {
  const held = new Map<string, string>();
  const acquire: LeaseStore['acquire'] = async (key, leaseMs) => {
    const granted = await leases.acquire(key, leaseMs);
    if (granted.acquired) held.set(granted.leaseId, key);
    return granted;
  };
  return {
    leases: {
      acquire,
      acquireCounted: async (key, leaseMs, counts) =>
        (await limits.consumeAll(counts, 1)) ?? acquire(key, leaseMs),
      renew: (key, leaseId, leaseMs) => leases.renew(key, leaseId, leaseMs),
      complete: (key, leaseId, outcome) => {
        held.delete(leaseId);
        return leases.complete(key, leaseId, outcome);
      },
      poll: leases.poll,
    },
    end: (key, leaseId) => {
      held.delete(leaseId);
      leases.release(key, leaseId);
    },
    release: () => {
      for (const [leaseId, key] of held) leases.release(key, leaseId);
      held.clear();
    },
  };
}

/** Values that all clients share, each as long as a client that has asked for it is there. */
function createAgreements(): { join(): Pick<SharedStore, 'agreeOn'> & { leave(): void } } {
  const values = new Map<string, { readonly value: string; readonly clients: Set<object> }>();
  return {
    join: () => {
      const me = {};
      return {
        agreeOn: async (name, value) => {
          const known = values.get(name) ?? { value, clients: new Set() };
          if (!values.has(name) && values.size >= maxAgreements)
            throw new SwobError('INTERNAL', `there are ${maxAgreements} agreed values, which is the maximum`);
          known.clients.add(me);
          values.set(name, known);
          return known.value;
        },
        leave: () => {
          for (const [name, { clients }] of values) {
            if (clients.delete(me) && clients.size === 0) values.delete(name);
          }
        },
      };
    },
  };
}
