// Developers as users of RabbitMQ, each with rights on its own names only. Used by subscribing and unsubscribing.

import { amqpAddress } from '../domain/amqp.ts';
import { exchangeName, tenantPrefix } from '../domain/outgoing-names.ts';
import type { Clock, Tenants } from '../domain/ports.ts';
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
    // A list, or in older versions a text.
    const { tags } = user;
    return tags === '' || (Array.isArray(tags) && tags.length === 0) ? 'tenant' : 'somebody else';
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
      await refuseOthers(authId);
      const own = `^${quoted(tenantPrefix(authId))}`;
      // So that a gateway phone can bind its queue before the first SMS.
      await api.put(scoped('exchanges', exchangeName), { type: 'topic', durable: true });
      // In this order, because a new user can do nothing until it has permissions, and without topic permissions
      // it could read every developer's SMS.
      await api.put(userPath(authId), { password: authKey, tags: '' });
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
      if ((await refuseOthers(authId)) === 'tenant') {
        // No password lets it in from here on, so it cannot come back for what is removed after.
        await api.put(userPath(authId), { password_hash: '', tags: '' });
        // Not after the user is gone: RabbitMQ closes its connections then, too, and one that closes twice is a 500.
        await api.remove(`connections/username/${encodeURIComponent(authId)}`);
        await api.remove(userPath(authId));
      }
      await removeAll('queues', authId);
      await removeAll('exchanges', authId);
    },

    // For a minute after its end a subscription may still be seen here; its queues are gone all the same.
    isSubscribed: (authId) => subscribed(authId, async () => (await find(authId)) === 'tenant'),
  };
}

/** Stands for itself in a regular expression of RabbitMQ's (PCRE). */
function quoted(text: string): string {
  return text.replace(/\W/g, '\\$&');
}
