// Developers as users of RabbitMQ, each with rights on its own names only. Used by subscribing and unsubscribing.

import { amqpAddress } from '../domain/amqp.ts';
import { exchangeName, tenantPrefix } from '../domain/outgoing-names.ts';
import type { Clock } from '../domain/ports.ts';
import type { Tenants } from '../domain/upstreams.ts';
import { SwobError } from '../errors.ts';
import { createAnswers } from './answers.ts';
import { createManagement } from './rabbitmq-management.ts';

export interface TenantsOptions {
  /** Of the management API. */
  readonly managementUrl: string;
  /** An administrator. */
  readonly user: string;
  readonly password: string;
  /** Names the vhost, and the user that swob itself is there. */
  readonly brokerUrl: string;
  /** Milliseconds for each answer of the management API. */
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** What an existing user of that name is. */
type Found = 'nobody' | 'tenant' | 'somebody else';

/** Says that a user is one of ours. RabbitMQ attaches no right to it. */
const tenantTag = 'swob';
/** So that a flood of requests to send is none at the management API. */
const subscribedTtlMs = 60_000;
/** Names that are listed, and removed, at a time; and how often. */
const pageSize = 500;
const maxPages = 20;

/**
 * Users of the vhost of `brokerUrl`. No method touches a user who is an administrator or swob itself: they throw
 * FORBIDDEN. Throws CONFIG when `brokerUrl` is no URL of a broker.
 */
export function createTenants(options: TenantsOptions): Tenants {
  const { vhost, username } = amqpAddress(options.brokerUrl);
  const api = createManagement(options);
  const reserved = new Set([options.user, username]);
  const subscribed = createAnswers<boolean>({
    clock: options.clock,
    keepMs: (yes) => (yes ? subscribedTtlMs : 0),
    tooMany: () => api.failure('too many questions are under way'),
  });
  const userPath = (authId: string): string => `users/${encodeURIComponent(authId)}`;
  /** Below what kind, in our vhost, for whom. */
  const scoped = (kind: string, name: string): string => `${kind}/${vhost}/${encodeURIComponent(name)}`;

  const find = async (authId: string): Promise<Found> => {
    if (reserved.has(authId)) return 'somebody else';
    const user = await api.get(userPath(authId));
    if (user === undefined) return 'nobody';
    const tags = tagsOf(user);
    if (tags.includes(tenantTag)) return 'tenant';
    // The replaced server gave its tenants the tag management, and rights on their names in one vhost.
    const isOfOld = tags.every((tag) => tag === 'management') && (await hasOwnNamesOnly(authId));
    return isOfOld ? 'tenant' : 'somebody else';
  };

  /** Whether all that the user may do is on names of this developer in our vhost: so has no other program's user. */
  const hasOwnNamesOnly = async (authId: string): Promise<boolean> => {
    const all = await api.list(`${userPath(authId)}/permissions`);
    const isOwn = ({ vhost: where, configure }: Readonly<Record<string, unknown>>): boolean =>
      encodeURIComponent(String(where)) === vhost && String(configure).includes(`${authId}_`);
    return all.length > 0 && all.every(isOwn);
  };

  const refuseOthers = async (authId: string): Promise<Found> => {
    const found = await find(authId);
    if (found !== 'somebody else') return found;
    throw new SwobError('FORBIDDEN', `${authId} is a user of the message broker who is no developer`);
  };

  /** Removes what has a name of this developer's. */
  const removeAll = async (kind: 'queues' | 'exchanges', authId: string): Promise<void> => {
    const prefix = tenantPrefix(authId);
    const query = new URLSearchParams({
      columns: 'name',
      name: `^${quoted(prefix)}`,
      use_regex: 'true',
      page: '1',
      page_size: String(pageSize),
    });
    for (let page = 0; page < maxPages; page += 1) {
      const names = api.namesIn(await api.get(`${kind}/${vhost}?${query}`));
      // The API chose them by a pattern; what it is to delete is checked here once more.
      const own = names.filter((name) => name.startsWith(prefix));
      if (own.length === 0) return;
      for (const name of own) await api.remove(scoped(kind, name));
    }
    throw api.failure(`there are more ${kind} of ${authId} than could be removed; unsubscribe again`);
  };

  return {
    subscribe: async (authId, authKey) => {
      subscribed.forget(authId);
      await refuseOthers(authId);
      const own = `^${quoted(tenantPrefix(authId))}`;
      // So that a gateway phone can bind its queue before the first SMS.
      await api.put(scoped('exchanges', exchangeName), { type: 'topic', durable: true });
      // In this order, because a new user can do nothing until it has permissions, and without topic permissions
      // it could read every developer's SMS.
      await api.put(userPath(authId), { password: authKey, tags: tenantTag });
      await api.put(scoped('topic-permissions', authId), {
        exchange: exchangeName,
        write: '^$',
        read: `${own}\\.`,
      });
      await api.put(scoped('permissions', authId), {
        configure: own,
        write: own,
        read: `${own}|^${exchangeName}$`,
      });
    },

    unsubscribe: async (authId) => {
      subscribed.forget(authId);
      if ((await refuseOthers(authId)) === 'tenant') {
        // No password lets it in from here on, so it cannot come back for what is removed after.
        await api.put(userPath(authId), { password_hash: '', tags: tenantTag });
        // Not after the user is gone: RabbitMQ closes its connections then, too, and one that closes twice is a 500.
        await api.remove(`connections/username/${encodeURIComponent(authId)}`);
        await api.remove(userPath(authId));
      }
      await removeAll('queues', authId);
      await removeAll('exchanges', authId);
    },

    isSubscribed: (authId) => subscribed.get(authId, async () => (await find(authId)) === 'tenant'),
  };
}

/** A list, or in older versions a text. */
function tagsOf({ tags }: Readonly<Record<string, unknown>>): string[] {
  const list: unknown[] = Array.isArray(tags) ? tags : String(tags ?? '').split(',');
  return list.map(String).filter((tag) => tag !== '');
}

/** Stands for itself in a regular expression of RabbitMQ's (PCRE). */
function quoted(text: string): string {
  return text.replace(/\W/g, '\\$&');
}
