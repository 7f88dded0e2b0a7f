// Every HTTP request to another system carries the same User-Agent: some respond 400 without one, and bind sessions to it.

import { expect, test } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import { createPublisher } from '../../src/upstream/publisher.ts';
import { createTenants } from '../../src/upstream/rabbitmq-tenants.ts';
import { createRemoteSyncSessions } from '../../src/upstream/remote-sessions.ts';
import { fetchServerDate } from '../../src/upstream/server-date.ts';
import { createMemoryLog } from '../support/log.ts';
import { createSender } from './callback-client.ts';
import { type HostileServer, respondWith, startHostileServer } from './hostile-server.ts';
import { createClient, portOf, session } from './pcrf-client.ts';
import { apiAt } from './user-api-client.ts';
import { directoryAt } from './user-directory-client.ts';

const log = createMemoryLog();

const calls: [string, string[], (url: string) => Promise<unknown>][] = [
  [
    'user management API',
    ['POST /v2/users/u1/verify', 'GET /v2/users/u1/platforms'],
    (url) => apiAt(url).authenticate('u1', 'secret'),
  ],
  [
    'developer API and the back end',
    ['POST /v1/authenticate', 'POST /users', 'POST /v1/authenticate'],
    async (url) => {
      const directory = directoryAt(url);
      await directory.userOf('+237650000001');
      await directory.authenticate('dev', 'key');
    },
  ],
  [
    'Publisher',
    ['POST /publish'],
    async (url) => {
      const at = { host: '127.0.0.1', port: portOf(url), endpoint: '/publish' };
      const publisher = createPublisher({ ...at, timeoutMs: 5_000, clock: systemClock, log });
      await publisher.publish('a1', '+237650000001', 'hi', async () => {}).finally(() => publisher.close());
    },
  ],
  ['PCRF', ['GET /account/disconnect'], (url) => createClient({ port: portOf(url) }).disconnect(session)],
  [
    'callback',
    ['POST /hook'],
    (url) => createSender({ allow: ['127.0.0.1'] }).send('c-1', { url: `${url}/hook`, body: '{}' }),
  ],
  [
    'management API of RabbitMQ',
    ['GET /api/users/dev'],
    (url) => {
      const guest = { user: 'guest', password: 'guest', brokerUrl: 'amqp://127.0.0.1' };
      return createTenants({
        managementUrl: url,
        ...guest,
        tags: [],
        timeoutMs: 5_000,
        clock: systemClock,
      }).isSubscribed('dev');
    },
  ],
  ['clock of a system', ['HEAD /'], (url) => fetchServerDate(url, AbortSignal.timeout(5_000))],
  [
    'gateway in another process',
    ['PUT /v2/sync/users/u1/sessions/s1'],
    (url) => {
      const addresses = { gateway: () => url, sync: () => url };
      const options = { addresses, tls: undefined, timeoutMs: 5_000, production: true, clock: systemClock };
      return createRemoteSyncSessions(options).attach('u1', 's1', 'socket');
    },
  ],
];

const agentsSeen = ({ requests }: HostileServer): string[] =>
  requests.map(({ method, path, headers }) => `${method} ${path.split('?')[0]} ${headers['user-agent']}`);

test.each(calls)('requests to the %s carry it', async (_system, routes, call) => {
  const server = await startHostileServer({
    'POST /v2/users/u1/verify': respondWith(200),
    'GET /v2/users/u1/platforms': respondWith(200, '{"saved_platforms":[]}'),
    'POST /v1/authenticate': respondWith(200),
    'POST /users': respondWith(200, '{"user_id":"alice"}'),
    'POST /publish': respondWith(200),
    'GET /account/disconnect': respondWith(200),
    'POST /hook': respondWith(200),
    'PUT /v2/sync/users/u1/sessions/s1': respondWith(200, 's2'),
  });
  await call(server.url);
  expect(agentsSeen(server)).toEqual(routes.map((route) => `${route} swob`));
});
