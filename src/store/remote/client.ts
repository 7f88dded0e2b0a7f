// The side of a process that uses the store of another one: a shared store, each call of which the owner runs. Used by the workers
// of `swob serve --workers`.

import type { LeaseStore, LimitStore, OutboxStore } from '../../domain/shared/ports.ts';
import type { Store } from '../../domain/store.ts';
import { createDeadline, type Deadline } from '../../lib/deadline.ts';
import type { Channels } from '../adapter.ts';
import { storeClosedError } from '../errors.ts';
import { createLimitRejections, type LimitRejections } from '../limit-rejections.ts';
import { createActiveList } from './active-seeds.ts';
import { type CallClient, createCallClient } from './call-client.ts';
import { leaveCall, type RemoteParts, remoteCalls } from './calls.ts';
import type { RemoteStore, RemoteStoreDeps } from './interface.ts';

/** How long closing may take when the caller sets no deadline. */
const defaultCloseMs = 3_000;

type CallOwner = CallClient['call'];
type NotifyOwner = CallClient['notify'];

export function createRemoteStore({ peer, clock, log }: RemoteStoreDeps): RemoteStore {
  const subscriptions = createSubscriptions();
  const client = createCallClient({ peer, clock, log, ...subscriptions.events });
  let closing: Promise<void> | undefined;
  const call: CallOwner = (...args) => (closing ? Promise.reject(storeClosedError()) : client.call(...args));
  const notify: NotifyOwner = (...args) =>
    closing ? Promise.reject(storeClosedError()) : client.notify(...args);

  const parts = createParts(call, notify);
  const close = async (deadline: Deadline): Promise<void> => {
    await deadline.settles(client.call(leaveCall, []));
  };
  const { leases, shared, store: whole, channels, activeSeeds, ...store } = parts;
  const rejections = createLimitRejections(clock);
  const remote: Store = {
    ...store,
    seeds: { ...parts.seeds, active: createActiveList(activeSeeds) },
    limits: withRejections(parts.limits, rejections),
    inbound: withLateClaims(parts.inbound, call, 'inbound'),
    callbacks: withLateClaims(parts.callbacks, call, 'callbacks'),
    waitingSms: withLateClaims(parts.waitingSms, call, 'waitingSms'),
    shared: { leases: withRejectedLeases(leases, rejections), agreeOn: shared.agreeOn },
    probe: whole.probe,
    close: (deadline = createDeadline(clock, defaultCloseMs)) => (closing ??= close(deadline)),
  };
  return { store: remote, channels: subscriptions.channels(channels) };
}

function createParts(call: CallOwner, notify: NotifyOwner): RemoteParts {
  const parts = Object.entries(remoteCalls).map(([part, methods]) => {
    const calls = Object.entries(methods).map(([method, kind]) => {
      const name = `${part}.${method}`;
      const run = (...args: readonly unknown[]): Promise<unknown> =>
        kind === 'notice' ? notify(name, args) : call(name, args);
      return [
        method,
        kind === 'sparse' ? async (...args: readonly unknown[]) => sparse(await run(...args)) : run,
      ];
    });
    return [part, Object.fromEntries(calls)];
  });
  // Safe cast: the table has exactly the parts and methods of RemoteParts, and the owner calls them with the same arguments.
  return Object.fromEntries(parts) as RemoteParts;
}

/** JSON has no undefined. */
function sparse(list: unknown): unknown {
  return Array.isArray(list) ? list.map((each) => each ?? undefined) : list;
}

/** Refuses from memory what the owner has refused a moment ago. */
function withRejections(limits: RemoteParts['limits'], rejections: LimitRejections): LimitStore {
  return {
    consume: async (key, limit, events) =>
      limit === 'off' ? 0 : rejections.record(key, await limits.consume(key, limit, events)),
    consumeAll: async (counts, events) => {
      const exceeded = await limits.consumeAll(counts, events);
      if (exceeded) rejections.record(exceeded.key, exceeded.seconds);
      return exceeded;
    },
    peek: async (key, limit) => (limit === 'off' ? 0 : rejections.record(key, await limits.peek(key, limit))),
    peekLocal: (key, limit) => (limit === 'off' ? 0 : rejections.of(key)),
    refund: async (key, limit, events) => {
      if (limit === 'off') return;
      rejections.forget(key);
      await limits.refund(key, limit, events);
    },
    refundAll: async (counts) => {
      for (const { key } of counts) rejections.forget(key);
      await limits.refundAll(counts);
    },
    persist: (key) => limits.persist(key).catch(() => undefined),
  };
}

function withRejectedLeases(leases: RemoteParts['leases'], rejections: LimitRejections): LeaseStore {
  return {
    ...leases,
    acquireCounted: async (...args) => {
      const granted = await leases.acquireCounted(...args);
      if ('seconds' in granted) rejections.record(granted.key, granted.seconds);
      return granted;
    },
  };
}

/** Returns claims whose answers arrive when nobody waits for them any longer. */
function withLateClaims<T>(outbox: OutboxStore<T>, call: CallOwner, name: string): OutboxStore<T> {
  const release = (id: unknown, until: number): void => {
    if (typeof id === 'string') outbox.postpone(id, until).catch(() => undefined);
  };
  return {
    ...outbox,
    claim: async (now, limit) => {
      const ids = await call(`${name}.claim`, [now, limit], (late) => {
        for (const id of Array.isArray(late) ? late : []) release(id, now);
      });
      return Array.isArray(ids) ? ids.map(String) : [];
    },
    putClaimed: async (entry) => {
      const claim = await call(`${name}.putClaimed`, [entry], (late) => {
        if (late === 'claimed') release(entry.id, entry.dueAt ?? entry.since);
      });
      return claim === 'claimed' || claim === 'behind' ? claim : 'taken';
    },
  };
}

/** Which listeners of this process a message of a channel has. */
function createSubscriptions() {
  const listeners = new Map<string, Set<(text: string) => void>>();
  const lostListeners = new Set<() => void>();
  return {
    events: {
      onChannelMessage: (channel: string, text: string): void => {
        for (const listener of listeners.get(channel) ?? []) listener(text);
      },
      onLost: (): void => {
        for (const listener of lostListeners) listener();
      },
    },
    channels: ({ publish, subscribe, unsubscribe }: RemoteParts['channels']): Channels => {
      const active = new Map<string, Promise<void>>();
      return {
        publish,
        subscribe: (channel, listener) => {
          // A function of its own, as the same listener may subscribe twice.
          const deliver = (text: string): void => listener(text);
          const others = listeners.get(channel) ?? new Set();
          listeners.set(channel, others.add(deliver));
          const subscribed = active.get(channel) ?? Promise.resolve(subscribe(channel));
          active.set(channel, subscribed);
          // Reported to whoever awaits it.
          subscribed.catch(() => {});
          return {
            active: () => subscribed,
            end: () => {
              others.delete(deliver);
              if (others.size > 0 || listeners.get(channel) !== others) return;
              listeners.delete(channel);
              active.delete(channel);
              Promise.resolve(unsubscribe(channel)).catch(() => {});
            },
          };
        },
        onReconnect: (listener) => {
          lostListeners.add(listener);
          return () => lostListeners.delete(listener);
        },
      };
    },
  };
}
