// Developers as users of RabbitMQ, each with permissions for its own names only. Used by outgoing SMS, to subscribe and
// unsubscribe developers.

import { amqpAddress } from '../amqp/address.ts';
import { developerExchangeName, exchangeName, tenantPrefix } from '../domain/outgoing/broker-names.ts';
import type { Tenants } from '../domain/outgoing/ports.ts';
import type { Clock } from '../domain/shared/ports.ts';
import { SwobError } from '../errors.ts';
import { createCoalescingCache } from './coalescing-cache.ts';
import { createManagement } from './rabbitmq-management.ts';

export interface TenantsOptions {
  /** Of the management API. */
  readonly managementUrl: string;
  /** An administrator. */
  readonly user: string;
  readonly password: string;
  /** Contains the vhost, and the user that swob signs in as. */
  readonly brokerUrl: string;
  /** RabbitMQ tags of developers, besides `swob`; `management` lets them sign in to the management page. */
  readonly tags: readonly string[];
  /** Milliseconds for each call of the management API. */
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, 'monotonic' | 'after' | 'every'>;
}

/** `absent`: no such user; `tenant`: created for a developer; `other`: any other user, which swob must not change. */
type UserKind = 'absent' | 'tenant' | 'other';

/** Permissions in a vhost: regular expressions for names. */
type Permissions = Readonly<Record<'configure' | 'write' | 'read', string>>;

/** Marks a user as a tenant. RabbitMQ grants nothing for this tag. */
const tenantTag = 'swob';
/** Requests to send SMS must not cause a call of the management API each. */
const subscribedTtlMs = 60_000;
/** Names that are listed and deleted per page. */
const pageSize = 500;
/** Bounds the deletion for a developer who creates names meanwhile. */
const maxPages = 20;

/**
 * Manages tenants in the vhost of `brokerUrl`. Methods throw FORBIDDEN for users that are not tenants, such as administrators
 * and swob itself. Throws CONFIG when `brokerUrl` is not an AMQP URL.
 */
export function createTenants(options: TenantsOptions): Tenants {
  const { vhost, username } = amqpAddress(options.brokerUrl);
  const api = createManagement(options);
  const reserved = new Set([options.user, username]);
  const subscribed = createCoalescingCache<boolean>({
    clock: options.clock,
    ttlMs: (isSubscribed) => (isSubscribed ? subscribedTtlMs : 0),
    onOverload: () => {
      throw api.upstreamError('too many requests are in progress');
    },
  });
  const userPath = (authId: string): string => `users/${encodeURIComponent(authId)}`;
  /** Path of an object in the vhost, such as a queue or a user's permissions. */
  const vhostPath = (kind: string, name: string): string => `${kind}/${vhost}/${encodeURIComponent(name)}`;

  /** @param authKey of the developer; without it a user of the replaced server with all permissions is `other` */
  const classifyUser = async (authId: string, authKey?: string): Promise<UserKind> => {
    if (reserved.has(authId)) return 'other';
    const user = await api.get(userPath(authId));
    if (user === undefined) return 'absent';
    const tags = tagsOf(user);
    if (tags.includes('administrator')) return 'other';
    if (tags.includes(tenantTag)) return 'tenant';
    // Tenants of the replaced server have exactly the tag management.
    if (tags.length !== 1 || tags[0] !== 'management') return 'other';
    return (await hasTenantPermissions(authId, authKey)) ? 'tenant' : 'other';
  };

  /**
   * Whether a user without our tag has exactly the permissions that the replaced server gave its tenants, or those that swob gives,
   * which an interrupted subscription leaves. Earlier versions of that server gave all permissions, which users of other
   * programs have too: then the user's password must be the developer's key already.
   */
  const hasTenantPermissions = async (authId: string, authKey: string | undefined): Promise<boolean> => {
    const [granted, ...inOtherVhosts] = await api.list(`${userPath(authId)}/permissions`);
    if (!granted || inOtherVhosts.length > 0 || encodeURIComponent(String(granted.vhost)) !== vhost)
      return false;
    const equals = ({ configure, write, read }: Permissions): boolean =>
      granted.configure === configure && granted.write === write && granted.read === read;
    const known = [replacedServerPermissions, tenantPermissions, previousTenantPermissions];
    if (known.some((permissions) => equals(permissions(authId)))) return true;
    return equals(allPermissions) && authKey !== undefined && (await canSignIn(authId, authKey));
  };

  const canSignIn = (user: string, password: string): Promise<boolean> =>
    createManagement({ ...options, user, password })
      .get('whoami')
      .then(
        (identity) => identity?.name === user,
        () => false,
      );

  /** Throws FORBIDDEN for a user that swob must not change. */
  const requireChangeable = async (authId: string, authKey?: string): Promise<'absent' | 'tenant'> => {
    const kind = await classifyUser(authId, authKey);
    if (kind !== 'other') return kind;
    const refusal = `${authId} is a user of the message broker, but not a developer`;
    const remedy = `if it is a developer, run: rabbitmqctl set_user_tags ${authId} ${tenantTag}`;
    throw new SwobError('FORBIDDEN', `${refusal}; ${remedy}`, { publicMessage: refusal });
  };

  const declareExchange = async (name: string): Promise<void> => {
    const path = vhostPath('exchanges', name);
    const existing = await api.get(path);
    if (existing && !isTopicExchange(existing)) {
      throw api.upstreamError(`exchange ${name} exists, but is not of type topic and durable; delete it`);
    }
    if (!existing) await api.put(path, { type: 'topic', durable: true });
  };

  /** Deletes everything whose name belongs to this developer. */
  const deleteAll = async (kind: 'queues' | 'exchanges', authId: string): Promise<void> => {
    const prefix = tenantPrefix(authId);
    const query = new URLSearchParams({
      columns: 'name',
      name: `^${escapeRegExp(prefix)}`,
      use_regex: 'true',
      page: '1',
      page_size: String(pageSize),
    });
    for (let page = 0; page < maxPages; page += 1) {
      const names = api.itemNames(await api.get(`${kind}/${vhost}?${query}`));
      // Checked again before deleting: the API has matched a regular expression.
      const own = names.filter((name) => name.startsWith(prefix));
      if (own.length === 0) return;
      for (const name of own) await api.delete(vhostPath(kind, name));
    }
    throw api.upstreamError(`${authId} has more ${kind} than could be deleted; unsubscribe again`);
  };

  /** What was found out about the developer before or during the change is forgotten after it. */
  const changing = async (authId: string, change: () => Promise<void>): Promise<void> => {
    try {
      await change();
    } finally {
      subscribed.delete(authId);
    }
  };

  const subscribe = async (authId: string, authKey: string): Promise<void> => {
    const kind = await requireChangeable(authId, authKey);
    const tags = [tenantTag, ...options.tags].join(',');
    // So that a gateway phone can bind its queue before the first SMS.
    for (const name of [exchangeName, developerExchangeName(authId)]) await declareExchange(name);
    // RabbitMQ accepts permissions only of existing users; without a password nobody can sign in.
    if (kind === 'absent') await api.put(userPath(authId), { password_hash: '', tags });
    // The password last, so that an interruption leaves no user who can sign in with too many permissions. Topic permissions before
    // permissions, because without them a tenant could read every developer's SMS.
    await api.put(vhostPath('topic-permissions', authId), topicPermissions(authId));
    await api.put(vhostPath('permissions', authId), tenantPermissions(authId));
    await api.put(userPath(authId), { password: authKey, tags });
  };

  const unsubscribe = async (authId: string): Promise<void> => {
    if ((await requireChangeable(authId)) === 'tenant') {
      // Without a password it cannot sign in again and recreate what is deleted below.
      await api.put(userPath(authId), { password_hash: '', tags: tenantTag });
      // Before the user is deleted, which closes its connections too: RabbitMQ responds 500 if a connection is closed twice.
      await api.delete(`connections/username/${encodeURIComponent(authId)}`);
      await api.delete(userPath(authId));
    }
    await deleteAll('queues', authId);
    await deleteAll('exchanges', authId);
  };

  return {
    subscribe: (authId, authKey) => changing(authId, () => subscribe(authId, authKey)),
    unsubscribe: (authId) => changing(authId, () => unsubscribe(authId)),
    isSubscribed: async (authId) =>
      subscribed.get(authId, async () => (await classifyUser(authId)) === 'tenant'),
  };
}

const allPermissions: Permissions = { configure: '.*', write: '.*', read: '.*' };

/**
 * Write permission on queues, which binding needs, but not on the developer's exchange: only swob publishes there, with checks and
 * limits.
 */
function tenantPermissions(authId: string): Permissions {
  const own = `^${escapeRegExp(tenantPrefix(authId))}`;
  return { configure: own, write: `${own}_`, read: `${own}|^${exchangeName}$` };
}

/** Those of swob 0.1.0. */
function previousTenantPermissions(authId: string): Permissions {
  const { configure, read } = tenantPermissions(authId);
  return { configure, write: configure, read };
}

function topicPermissions(authId: string) {
  return { exchange: exchangeName, write: '^$', read: `^${escapeRegExp(tenantPrefix(authId))}\\.` };
}

/** Unescaped, as that server wrote them; an auth id has no special characters. */
function replacedServerPermissions(authId: string): Permissions {
  const own = `^(${exchangeName}|${authId}_.*)$`;
  return { configure: own, write: own, read: own };
}

/** As phones declare theirs: any difference would close their channel. */
function isTopicExchange(exchange: Readonly<Record<string, unknown>>): boolean {
  const { type, durable, auto_delete, internal, arguments: extra } = exchange;
  const isPlain = auto_delete !== true && internal !== true && Object.keys(Object(extra)).length === 0;
  return type === 'topic' && durable === true && isPlain;
}

/** RabbitMQ returns a list, and before 3.9 a comma-separated string. */
function tagsOf({ tags }: Readonly<Record<string, unknown>>): string[] {
  const list: unknown[] = Array.isArray(tags) ? tags : String(tags ?? '').split(',');
  return list.map(String).filter((tag) => tag !== '');
}

/** For RabbitMQ's regular expressions (PCRE). */
function escapeRegExp(text: string): string {
  return text.replace(/\W/g, '\\$&');
}
