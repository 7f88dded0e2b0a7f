// Each limit is counted under its own name when it rejects: the tests exceed each from outside, over the real services.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { limitNameOf, type RefusingLimit, refusingLimits } from '../../src/domain/shared/limit-keys.ts';
import { publicPem } from '../crypto/token-builder.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type Messaging, startMessaging } from '../support/messaging.ts';
import { createPhone, get, handshakeUrlOf, openSession, post, shakeHands } from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';
import { openSocket } from '../support/socket.ts';

let addresses = 0;
const otherAddress = (): string => `198.51.100.${++addresses}`;
const from = (address: string) => ({ 'x-forwarded-for': address });
const wrongKey = 'f'.repeat(32);

/** Sends until a response is 429. */
async function exhaust(send: (n: number) => Promise<{ status: number }>): Promise<void> {
  for (let n = 0; n < 400; n++) if ((await send(n)).status === 429) return;
  throw new Error('no request was rejected');
}

/** Sends both concurrently. */
async function race(...requests: readonly Promise<{ status: number }>[]): Promise<void> {
  const statuses = (await Promise.all(requests)).map(({ status }) => status);
  expect(statuses.sort()).toEqual([401, 429]);
}

const developer = (w: Messaging, address: string, auth_id: string, auth_key: string) =>
  post(
    `${w.gateway}/v1/sms`,
    { auth_id, auth_key, data: [{ number: '+237650393369', text: 'hello' }] },
    from(address),
  );
const subscribe = (w: Messaging, address: string, auth_id: string) =>
  post(`${w.gateway}/v1/subscribe`, { auth_id, auth_key: 'right', id: 'set', key: 'up' }, from(address));
const ping = (w: Messaging, address: string, IMSI: string) =>
  post(`${w.gateway}/seeds/ping`, { IMSI, MSISDN: '+237650393369', seed_type: 'seed' }, from(address));
const open = (w: Messaging, address: string, user: string) =>
  get(`${w.gateway}/v2/sync/users/${user}`, { headers: from(address) });
const sms = (w: Messaging, address: string, MSISDN: string, text: string) =>
  post(`${w.gateway}/sms/platform/gateway-client`, { MSISDN, text }, from(address));

const startTest = (w: Messaging, address: string) =>
  post(`${w.gateway}/v3/clients/+237650393369/tests`, '', from(address));

const signIn = (w: Messaging, address: string) => {
  const headers = { ...from(address), 'sec-fetch-site': 'same-origin', 'x-swob-console': '1' };
  return post(`${w.gateway}/console/sign-in`, { token: 'wrong' }, headers);
};

/** A session that a phone has taken; the function tries a wrong password on it. */
async function session(
  w: Messaging,
  user: string,
): Promise<(address: string) => Promise<{ status: number }>> {
  const url = await openSession(w.gateway, user);
  const { verificationUrl } = await shakeHands(handshakeUrlOf(w.gateway, url), createPhone());
  return (address) => post(verificationUrl, { password: 'd3Jvbmc=' }, from(address));
}

/** How to exceed each limit; a new limit does not compile until it is here. */
const uses: Record<RefusingLimit, ((services: Messaging) => Promise<void>) | undefined> = {
  // [limits] sms allows fewer deliveries; test/gateway/clients.test.ts exceeds it.
  'client:address': undefined,
  'console:address': async (w) => {
    const address = otherAddress();
    await exhaust(() => signIn(w, address));
  },
  'console:all': (w) => exhaust(() => signIn(w, otherAddress())),
  'credentials:address': async (w) => {
    const address = otherAddress();
    await exhaust((n) => developer(w, address, `dev${n}`, 'wrong'));
  },
  'credentials:developer': async (w) => {
    const address = otherAddress();
    await race(developer(w, address, 'deva', 'one'), developer(w, address, 'deva', 'two'));
  },
  // Sequential requests cannot reach this limit, as the check needs no I/O; test/app/app-metrics.test.ts counts it.
  'credentials:setup': undefined,
  'disconnect:address': (w) => exhaust(() => get(`${w.disconnect}/disconnect?token=x`)),
  'guess:address': async (w) => {
    const headers = from(otherAddress());
    const url = `${w.gateway}/v2/sync/users/bob/sessions/unknown`;
    await exhaust(() => post(url, { password: 'd3Jvbmc=' }, headers));
  },
  'lookup:address': async (w) => {
    const headers = from(otherAddress());
    await exhaust(() => post(`${w.gateway}/v1/sms/operators`, [{ number: '+237650393369' }], headers));
  },
  'outgoing:address': async (w) => {
    const address = otherAddress();
    await exhaust(() => subscribe(w, address, 'dev'));
  },
  'outgoing:developer': (w) => exhaust(() => subscribe(w, otherAddress(), 'devb')),
  'password:address': async (w) => {
    const address = otherAddress();
    for (const user of ['carol', 'dave']) await (await session(w, user))(address);
  },
  'password:session': async (w) => {
    const attempt = await session(w, 'erin');
    await exhaust(() => attempt(otherAddress()));
  },
  'password:user': async (w) => {
    for (let n = 0; n < 6; n++) await (await session(w, 'frank'))(otherAddress());
  },
  'password:user-address': async (w) => {
    const address = otherAddress();
    const [first, second] = [await session(w, 'ivan'), await session(w, 'ivan')];
    await race(first(address), second(address));
  },
  'ping:address': async (w) => {
    const address = otherAddress();
    await exhaust((n) => ping(w, address, `62401000000000${n}`));
  },
  'ping:imsi': (w) => exhaust(() => ping(w, otherAddress(), '624010000000099')),
  'session:address': async (w) => {
    const address = otherAddress();
    await exhaust((n) => open(w, address, `user${n}`));
  },
  'session:user': (w) => exhaust(() => open(w, otherAddress(), 'grace')),
  'sms:address': async (w) => {
    const address = otherAddress();
    await exhaust(() => sms(w, address, 'x', 'x'));
  },
  'sms:sender': (w) =>
    exhaust((n) => sms(w, otherAddress(), '+237650393300', encryptAsApp(wrongKey, `text ${n}`))),
  'socket:address': async (w) => {
    const headers = from(otherAddress());
    const refused = (error: Error) => ({ status: Number(error.message.replace('unexpected ', '')) });
    await exhaust((n) =>
      openSocket(`${w.sync}/v2/sync/init/heidi/s${n}`, { headers }).then(() => ({ status: 101 }), refused),
    );
  },
  'test-id:address': async (w) => {
    const address = otherAddress();
    for (let n = 0; n < 4; n++) await sms(w, address, '+237650393369', '1234567890');
  },
  'test:address': async (w) => {
    const address = otherAddress();
    await ping(w, otherAddress(), '624010000000077');
    await exhaust(() => startTest(w, address));
  },
  'test:client': (w) => exhaust(() => startTest(w, otherAddress())),
};

test('each limit is counted under its own name when it rejects, and under no other', async () => {
  const keyFile = join(temporaryFolder(), 'public.pem');
  writeFileSync(keyFile, publicPem);
  const services = await startMessaging({
    names: ['gateway', 'sync', 'disconnect'],
    developers: new Map([
      ['dev', 'right'],
      ['devb', 'right'],
    ]),
    set: [
      `validation.public_key=${keyFile}`,
      'api.trusted_proxies=127.0.0.1',
      'broker.url=amqp://127.0.0.1:1',
      'broker.management_url=http://127.0.0.1:1',
      'outgoing.setup_id=set',
      'outgoing.setup_key=up',
      'limits.passwords=1/15m',
      ...['pings', 'sms', 'disconnects', 'guesses', 'lookups', 'tests'].map((name) => `limits.${name}=3/15m`),
      // Sessions are opened from this address by the helpers, too.
      'limits.sessions=15/15m',
    ],
  });
  const refusals = async (): Promise<Record<string, number>> => {
    const { text } = await get(`${services.gateway}/metrics`);
    const lines = text.matchAll(/^swob_limit_refusals_total\{limit="([^"]*)"\} (\d+)$/gm);
    return Object.fromEntries([...lines].map(([, name = '', count]) => [name, Number(count)]));
  };
  const expected = Object.fromEntries(refusingLimits.map((name) => [name, 0]));
  expect(await refusals()).toEqual(expected);
  for (const name of refusingLimits) {
    const use = uses[name];
    if (!use) continue;
    await use(services);
    expected[name] = 1;
    expect(await refusals()).toEqual(expected);
  }
});

test('the name of a key does not depend on its subject', () => {
  for (const name of refusingLimits)
    for (const subject of ['', 'x', ':', 'a:b', 'ping:imsi:1', '2001:db8:0:0::/64'])
      expect(limitNameOf(`${name}:${subject}`)).toBe(name);
});
