// The client of RabbitMQ's management API when the API stops, fails or sends nonsense. No broker is needed.

import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import { developerExchangeName, exchangeName, queueName } from '../../src/domain/outgoing/broker-names.ts';
import type { Tenants } from '../../src/domain/outgoing/ports.ts';
import { createTenants, type TenantsOptions } from '../../src/upstream/rabbitmq-tenants.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { type Handler, respondWith, startHostileServer } from './hostile-server.ts';
import { errorOf } from './upstream-failure.ts';

const [alice, key] = ['alice', 'al1ce-key'];

function tenantsAt(options: Partial<TenantsOptions> & { managementUrl: string }): Tenants {
  return createTenants({
    user: 'guest',
    password: 'guest',
    brokerUrl: 'amqp://127.0.0.1',
    tags: [],
    timeoutMs: 10_000,
    clock: { ...createFakeClock(), after: systemClock.after },
    ...options,
  });
}

interface BrokerUser {
  tags: string;
  password?: string;
  permissions?: object;
  topics?: object;
}

/** The part of the management API that subscribing needs; it responds 500 after a number of changes. */
async function startManagement(user: BrokerUser | undefined) {
  const state = { user, changes: 0, failAfter: Number.POSITIVE_INFINITY, exchanges: new Set<string>() };
  const seen: { canSignIn: boolean; password: string | undefined; permissions: unknown; topics: unknown }[] =
    [];

  const change =
    (apply: (body: Record<string, string>) => unknown): Handler =>
    (response) => {
      const body = JSON.parse(server.requests.at(-1)?.body ?? '{}');
      if (state.changes >= state.failAfter) return void response.writeHead(500).end();
      state.changes += 1;
      apply(body);
      const { password, permissions, topics } = state.user ?? { tags: '' };
      seen.push({ canSignIn: Boolean(password), password, permissions, topics });
      response.writeHead(204).end();
    };
  const exchangeHandlers = (name: string): Record<string, Handler> => ({
    [`GET /api/exchanges/%2F/${name}`]: (response) => {
      if (!state.exchanges.has(name)) return void response.writeHead(404).end();
      response.end(JSON.stringify({ name, type: 'topic', durable: true, arguments: {} }));
    },
    [`PUT /api/exchanges/%2F/${name}`]: change(() => state.exchanges.add(name)),
  });
  const list = (value: object | undefined) => JSON.stringify(value ? [{ vhost: '/', ...value }] : []);
  const server = await startHostileServer({
    'GET /api/users/alice': (response) => {
      if (state.user) response.end(JSON.stringify({ name: alice, tags: state.user.tags.split(',') }));
      else response.writeHead(404).end();
    },
    'GET /api/whoami': (response, { headers }) => {
      const right = headers.authorization === `Basic ${btoa(`${alice}:${state.user?.password}`)}`;
      response.writeHead(right ? 200 : 401).end(JSON.stringify({ name: alice }));
    },
    'GET /api/users/alice/permissions': (response) => void response.end(list(state.user?.permissions)),
    ...exchangeHandlers(exchangeName),
    ...exchangeHandlers(developerExchangeName(alice)),
    'PUT /api/users/alice': change(({ password = '', tags = '' }) => {
      state.user = { ...state.user, password, tags };
    }),
    'PUT /api/permissions/%2F/alice': change((body) => {
      if (state.user) state.user.permissions = body;
    }),
    'PUT /api/topic-permissions/%2F/alice': change((body) => {
      if (state.user) state.user.topics = body;
    }),
  });
  return { state, seen, url: server.url };
}

describe('interrupted subscribing', () => {
  const own = { configure: '^alice_OUTGOING_SMS', write: '^alice_OUTGOING_SMS_' };
  const narrow = { ...own, read: `^alice_OUTGOING_SMS|^${exchangeName}$` };
  const topics = { exchange: exchangeName, write: '^$', read: '^alice_OUTGOING_SMS\\.' };
  const old = `^(${exchangeName}|alice_.*)$`;
  const users: [string, BrokerUser | undefined][] = [
    ['nobody', undefined],
    ['a tenant with too many rights', { tags: 'swob', password: 'old', permissions: { ...own, read: '.*' } }],
    [
      'one of the replaced server with all rights',
      {
        tags: 'management',
        password: key,
        permissions: { configure: '.*', write: '.*', read: '.*' },
      },
    ],
    [
      'one of the replaced server',
      { tags: 'management', password: 'old', permissions: { configure: old, write: old, read: old } },
    ],
  ];

  test.each(users)(
    'sets no password before the permissions are narrow, and can be repeated: %s',
    async (_who, user) => {
      const complete = await startManagement(user && { ...user });
      await tenantsAt({ managementUrl: complete.url }).subscribe(alice, key);
      const steps = complete.state.changes;
      for (let done = 0; done < steps; done += 1) {
        const { state, seen, url } = await startManagement(user && { ...user });
        const tenants = tenantsAt({ managementUrl: url });
        state.failAfter = done;
        expect(await errorOf(tenants.subscribe(alice, key))).toMatchObject({ code: 'UPSTREAM' });
        expect(state.changes).toBe(done);
        state.failAfter = Number.POSITIVE_INFINITY;
        await tenants.subscribe(alice, key);
        for (const { canSignIn, password, ...rights } of seen) {
          if (canSignIn && password !== user?.password)
            expect(rights).toEqual({ permissions: narrow, topics });
        }
        expect(state.user).toEqual({ tags: 'swob', password: key, permissions: narrow, topics });
        expect(await tenants.isSubscribed(alice)).toBe(true);
      }
      expect(steps).toBe(user ? 5 : 6);
    },
  );
});

describe('a management API that fails', () => {
  test.each<[string, Handler, RegExp]>([
    ['wrong credentials', respondWith(401, '{"error":"not_authorised"}'), /answered 401/],
    ['500 that never ends', (response) => void response.writeHead(500).write('x'), /answered 500/],
    ['a redirect', respondWith(302, '', { location: 'http://127.0.0.1:1/' }), /answered 302/],
    ['no JSON', respondWith(200, '<html>'), /not a JSON object/],
    ['a list', respondWith(200, '[]'), /not a JSON object/],
    ['over 1 MiB', respondWith(200, JSON.stringify({ tags: 'x'.repeat(1024 * 1024) })), /over 1048576 bytes/],
    ['nothing', () => {}, /no response within 100 ms/],
    ['half a body', (response) => void response.writeHead(200).write('{'), /no response within 100 ms/],
  ])('is UPSTREAM, without secrets: %s', async (_what, handler, why) => {
    const server = await startHostileServer({ 'GET /api/users/alice': handler });
    const managementUrl = `${server.url.replace('//', '//someone:hidden@')}/?token=hidden`;
    // Short only in tests of the timeout, because the machine may be busy.
    const timeoutMs = why.source.includes('100 ms') ? 100 : 10_000;
    const tenants = tenantsAt({ managementUrl, password: 's3cret', timeoutMs });
    const { code, message } = await errorOf(tenants.isSubscribed(alice));
    expect(code).toBe('UPSTREAM');
    expect(message).toMatch(why);
    expect(message).toContain(server.url);
    expect(message).not.toMatch(/s3cret|hidden/);
    expect(server.requests).toHaveLength(1);
  });

  test.each([
    ['no list', '{"items":{}}'],
    ['the names of others', '{"items":[{"name":"bob_OUTGOING_SMS_MTN"},{"name":7},null]}'],
  ])('causes no removal by a response with %s', async (_what, page) => {
    const server = await startHostileServer({ 'GET /api/queues/%2F': respondWith(200, page) });
    await tenantsAt({ managementUrl: server.url })
      .unsubscribe(alice)
      .catch(() => undefined);
    expect(new Set(server.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
  });

  test('is read page by page until its lists are empty', async () => {
    const left = Array.from({ length: 5 }, (_, index) => queueName(alice, String(index)));
    const names = [...left];
    const server = await startHostileServer({
      'GET /api/queues/%2F': (response) => {
        const items = left.slice(0, 2).map((name) => ({ name }));
        response.end(JSON.stringify({ items }));
      },
      'GET /api/exchanges/%2F': respondWith(200, '{"items":[]}'),
      ...Object.fromEntries(
        names.map((name) => [
          `DELETE /api/queues/%2F/${name}`,
          (response: ServerResponse) => {
            left.splice(left.indexOf(name), 1);
            response.writeHead(204).end();
          },
        ]),
      ),
    });
    await tenantsAt({ managementUrl: server.url }).unsubscribe(alice);
    expect(left).toEqual([]);
  });

  test('and always lists the same ends the removal', async () => {
    const page = respondWith(200, '{"items":[{"name":"alice_OUTGOING_SMS_MTN"}]}');
    const server = await startHostileServer({ 'GET /api/queues/%2F': page });
    const { message } = await errorOf(tenantsAt({ managementUrl: server.url }).unsubscribe(alice));
    expect(message).toContain('alice has more queues than could be deleted');
  });

  test('gets an auth id as one segment of a path, whatever it contains', async () => {
    const server = await startHostileServer({});
    expect(await tenantsAt({ managementUrl: `${server.url}/base/` }).isSubscribed('a/../b?c#d')).toBe(false);
    expect(server.requests.map(({ path }) => path)).toEqual(['/base/api/users/a%2F..%2Fb%3Fc%23d']);
  });
});
