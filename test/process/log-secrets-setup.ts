// Secrets that the test can find in any output, and the systems and settings that contain them.

import { createStatusToken } from '../../src/crypto/status-token.ts';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { startPcrfStub } from '../../src/stubs/pcrf.ts';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { startUsersStub } from '../../src/stubs/users.ts';
import type { GelfListener } from '../support/gelf.ts';
import { onEnd } from '../support/teardown.ts';
import type { Keys } from './disconnect-service.ts';

/** Unique values that the test can find in any output. */
export const secrets = {
  password: 'hunter2-password',
  wrongPassword: 'hunter2-wrong',
  message: 'hunter2 message text',
  sender: '+237650393369',
  seedNumber: '+237650777888',
  recipient: '+237650111222',
  tokenSecret: 'hunter2-token-secret',
  authKey: 'hunter2-auth-key',
  ourAuthKey: 'hunter2-our-auth-key',
  setupKey: 'hunter2-setup-key',
  callbackSecret: 'hunter2-callback-secret',
  callbackToken: 'hunter2-callback-token',
  twilio: 'hunter2-twilio',
  relayTag: 'hunter2-relay-tag',
  payload: 'AQMAAWdhYmN4ZW4=',
  broker: 'hunter2-broker',
  management: 'hunter2-management',
  bearer: 'hunter2-bearer',
  statusSecret: 'hunter2-status-secret',
};

/** Of the phones of the developer `dev`. */
export const statusToken = createStatusToken(secrets.statusSecret, 'dev');
const local = { host: '127.0.0.1', port: 0 };

export async function startStubs() {
  const users = await startUsersStub({ ...local, users: new Map([['alice', secrets.password]]) });
  const developer = await startDeveloperStub({ ...local, numbers: new Map([[secrets.sender, 'alice']]) });
  const publisher = await startPublisherStub(local);
  const pcrf = await startPcrfStub(local);
  const all = [users, developer, publisher, pcrf];
  const close = async (): Promise<void> => void (await Promise.all(all.map((stub) => stub.close())));
  onEnd(close);
  return { users, developer, publisher, pcrf, close };
}

type Stubs = Awaited<ReturnType<typeof startStubs>>;
const portOf = (url: string): string => new URL(url).port;

export const settings = (stubs: Stubs, keys: Keys, graylog: GelfListener): string[] =>
  [
    'api.port=0',
    'websocket.port=0',
    'disconnect.port=0',
    'disconnect.host=127.0.0.1',
    'logging.level=debug',
    'logging.base_dir=logs',
    'logging.gelf_level=debug',
    'logging.gelf_host=udp:127.0.0.1',
    `logging.gelf_port=${graylog.port}`,
    `validation.public_key=${keys.publicFile}`,
    `pcrf.host=127.0.0.1`,
    `pcrf.port=${portOf(stubs.pcrf.url)}`,
    `publisher.port=${portOf(stubs.publisher.url)}`,
    `backend_publisher.port=${portOf(stubs.developer.url)}`,
    'backend_publisher.cache_ttl=0s',
    `dev_api.authentication_url=${stubs.developer.url}/v1/authenticate`,
    'dev_api.auth_id=us',
    `dev_api.auth_key=${secrets.ourAuthKey}`,
    `user_management_api.api_url=${stubs.users.url}`,
    `user_management_api.verification_url=${stubs.users.url}/v2/users/%s/verify`,
    `user_management_api.platforms_url=${stubs.users.url}/v2/users/%s/platforms`,
    `seeds.token_secret=${secrets.tokenSecret}`,
    `outgoing.setup_id=setup`,
    `outgoing.setup_key=${secrets.setupKey}`,
    `outgoing.callback_secret=${secrets.callbackSecret}`,
    `outgoing.status_secret=${secrets.statusSecret}`,
    'outgoing.callback_allow=127.0.0.1',
    `twilio.auth_token=${secrets.twilio}`,
    `relay.url=${stubs.publisher.url}`,
    `relay.tag=${secrets.relayTag}`,
    // Nothing listens there.
    `broker.url=amqp://swob:${secrets.broker}@127.0.0.1:1`,
    `broker.management_url=http://127.0.0.1:1`,
    `broker.management_user=swob`,
    `broker.management_password=${secrets.management}`,
    'broker.timeout=500ms',
  ].flatMap((setting) => ['--set', setting]);

type Call = (
  method: string,
  route: string,
  options: { path?: string; body?: unknown; headers?: Record<string, string> },
) => Promise<unknown>;

/** Calls the routes about outgoing SMS that wait for their time. */
export async function callOutgoing(call: Call, admins: Record<string, string>): Promise<void> {
  const data = [{ number: secrets.recipient, text: secrets.message }];
  const schedule_at = new Date(Date.now() + 86_400_000).toISOString();
  const request = { auth_id: 'dev', auth_key: secrets.authKey, uuid: 'mine', data, schedule_at };
  await call('POST', '/v1/sms', { body: request });
  const basic = Buffer.from(`dev:${secrets.authKey}`).toString('base64');
  for (const headers of [{ authorization: `Basic ${basic}` }, { authorization: `Basic ${secrets.bearer}` }]) {
    for (const method of ['GET', 'DELETE']) {
      await call(method, '/v1/sms/{uuid}', { path: '/v1/sms/mine', headers });
      await call(method, '/v1/sms/{uuid}/messages/{id}', { path: '/v1/sms/mine/messages/1', headers });
    }
  }
  for (const headers of [{}, { authorization: `Bearer ${statusToken}` }]) {
    const body = { status: 'sent', id: 1 };
    await call('POST', '/v1/status/{auth_id}', { path: '/v1/status/dev', body, headers });
  }
  for (const headers of [{}, admins]) {
    await call('GET', '/sms/outgoing', { headers });
    await call('GET', '/sms/outgoing/{id}', { path: '/sms/outgoing/1', headers });
    await call('DELETE', '/sms/outgoing/{id}', { path: '/sms/outgoing/1', headers });
  }
}
