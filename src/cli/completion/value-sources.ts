// Values for the completion of command lines: keys of the configuration, and seeds, users and messages of a
// running gateway. Used by commands/complete.ts.

import type { KeyDefinition } from '../../config/value-types.ts';
import { isObject } from '../../lib/json.ts';
import { openGatewayApi } from '../client/gateway-api.ts';
import type { Context } from '../context.ts';
import type { Candidate, OptionValues, ValueSources } from './candidates.ts';

/** A shell waits for the candidates, so a slow gateway has none. */
const gatewayTimeoutMs = 200;
/** The longest list of users that is requested. */
const maxUsers = 500;

/** @param contextOf a context with the global options of the command line that is completed */
export function createValueSources(contextOf: (values: OptionValues) => Promise<Context>): ValueSources {
  return {
    keys: async ({ sections }) => {
      const definitions = await keyDefinitions();
      const keys = definitions.map(([name, { doc }]) => ({ value: name, description: doc }));
      if (!sections) return keys;
      const names = new Set(definitions.map(([name]) => name.slice(0, name.lastIndexOf('.'))));
      return [...[...names].map((value) => ({ value, description: `all keys of [${value}]` })), ...keys];
    },
    keyValues: async (key) => {
      const found = (await keyDefinitions()).find(([name]) => name === key);
      const words = found?.[1].type.name.split(' | ') ?? [];
      return words.length > 1 && words.every((word) => /^[\w-]+$/.test(word))
        ? words.map((value) => ({ value, description: '' }))
        : [];
    },
    services: async () => {
      const { allServices } = await import('../../app/default-services.ts');
      return allServices.map((value) => ({ value, description: '' }));
    },
    topics: async () => {
      const { topics } = await import('../help/topic-names.ts');
      return Object.entries(topics).map(([value, description]) => ({ value, description }));
    },
    seeds: async (by, values) => {
      const seeds = await fetchList(await contextOf(values), {
        url: values.get('url')?.at(-1),
        path: '/seeds',
      });
      return seeds.flatMap(({ IMSI, MSISDN, operator_name }) => {
        const [value, other] = by === 'IMSI' ? [IMSI, MSISDN] : [MSISDN, IMSI];
        const known = [other, operator_name].filter((text) => typeof text === 'string');
        return typeof value === 'string' ? [{ value, description: known.join(', ') }] : [];
      });
    },
    users: async (prefix, values) => {
      // Never send the admin token of this machine's gateway to another one.
      if (values.has('url') || !/^[\w.+-]{0,128}$/.test(prefix)) return [];
      const query = new URLSearchParams({ prefix, limit: String(maxUsers) });
      const list = await fetchList(await contextOf(values), {
        path: `/sync/users?${query}`,
        member: 'pairings',
        asOperator: true,
      });
      return list.flatMap(({ userId, revokedAt }): Candidate[] =>
        typeof userId === 'string'
          ? [{ value: userId, description: revokedAt === undefined ? 'paired' : 'revoked' }]
          : [],
      );
    },
    messages: async (values) => {
      // Never send the admin token of this machine's gateway to another one.
      if (values.has('url')) return [];
      const context = await contextOf(values);
      const lists = await Promise.all(
        ['/sms/failed', '/sms/waiting'].map((path) => fetchList(context, { path, asOperator: true })),
      );
      return lists.flat().flatMap(({ id, state, msisdn }): Candidate[] => {
        const known = [state, msisdn].filter((text) => typeof text === 'string');
        return typeof id === 'string' ? [{ value: id, description: known.join(', ') }] : [];
      });
    },
  };
}

async function keyDefinitions(): Promise<[name: string, definition: KeyDefinition<unknown>][]> {
  const { schema } = await import('../../config/schema.ts');
  return Object.entries(schema).flatMap(([section, keys]) =>
    Object.entries<KeyDefinition<unknown>>(keys).map(
      ([key, definition]): [string, KeyDefinition<unknown>] => [`${section}.${key}`, definition],
    ),
  );
}

interface ListRequest {
  /** The gateway; undefined: that of the configuration. */
  readonly url?: string | undefined;
  readonly path: string;
  /** The member of the response that is the list; undefined: the response. */
  readonly member?: string;
  /** With the admin token. */
  readonly asOperator?: true;
}

/** The objects of a list of the gateway. Rejects when there is none in time. */
async function fetchList(
  context: Context,
  { url, path, member, asOperator }: ListRequest,
): Promise<Record<string, unknown>[]> {
  const { config } = await context.loadConfig();
  const abort = new AbortController();
  const cancel = context.io.clock.after(gatewayTimeoutMs, () => abort.abort());
  try {
    const http = await openGatewayApi(config, url, abort.signal);
    const token = asOperator && (await adminToken(context, config.security.admin_token_filepath));
    if (asOperator && token === undefined) return [];
    const body = await http.json({ path, ...(token && { headers: { Authorization: `Bearer ${token}` } }) });
    const list = member === undefined ? body : isObject(body) ? body[member] : undefined;
    return Array.isArray(list)
      ? list.filter(isObject).map((item) => Object.fromEntries(Object.entries(item)))
      : [];
  } finally {
    cancel();
  }
}

async function adminToken(context: Context, file: string): Promise<string | undefined> {
  const [{ secretVariable }, { readAdminToken }] = await Promise.all([
    import('../../config/environment.ts'),
    import('../../crypto/admin-token.ts'),
  ]);
  return secretVariable('SWOB_TOKEN', context.io.env) ?? (await readAdminToken(file));
}
