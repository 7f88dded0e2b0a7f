// The services under attack: with a user API that writes down every call, keys that are made once for a
// file of tests, and a look at what is on disk. Used by the tests of this folder.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { createPhone, handshakeUrlOf, openSession, pair } from '../support/phone.ts';
import { type Services, type ServicesOptions, startTestServices, users } from '../support/services.ts';
import { type HostileServer, startHostileServer } from '../upstream/hostile-server.ts';

export interface World extends Services {
  /** The user management API; its `requests` are all that was forwarded. */
  readonly api: HostileServer;
  /** Passwords that were asked about so far. */
  readonly asked: () => number;
  /** Every record on disk, by its name: registrations of seeds and keys of users. */
  readonly records: () => Record<string, string>;
}

export const phone = createPhone();

/** Making a key pair takes longer than most of the tests. */
const keys = mkdtempSync(join(tmpdir(), 'swob-keys-'));
afterAll(() => rmSync(keys, { recursive: true, force: true }));

export async function startWorld({ set = [], ...options }: ServicesOptions = {}): Promise<World> {
  const api = await startHostileServer(
    Object.fromEntries(
      [...users].flatMap(([user, password]) => [
        [
          `POST /v2/users/${user}/verify`,
          (response) => {
            const right = api.requests.at(-1)?.body === JSON.stringify({ password });
            response.writeHead(right ? 200 : 401).end();
          },
        ],
        [`GET /v2/users/${user}/platforms`, (response) => response.end('{"saved_platforms":[]}')],
      ]),
    ),
  );
  const services = await startTestServices({
    ...options,
    set: [
      `security.public_key_filepath=${join(keys, 'public.pem')}`,
      `security.private_key_filepath=${join(keys, 'private.pem')}`,
      `user_management_api.api_url=${api.url}`,
      `user_management_api.verification_url=${api.url}/v2/users/%s/verify`,
      `user_management_api.platforms_url=${api.url}/v2/users/%s/platforms`,
      ...set,
    ],
  });
  return {
    ...services,
    api,
    asked: () => api.requests.filter(({ method }) => method === 'POST').length,
    records: () => recordsIn(join(services.folder, 'data')),
  };
}

function recordsIn(data: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const kind of ['users', 'seeds']) {
    const folder = join(data, kind);
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (name.endsWith('.json')) found[`${kind}/${name}`] = readFileSync(join(folder, name), 'utf8');
    }
  }
  return found;
}

/** The next good request: a phone of bob's pairs. */
export async function expectService({ gateway }: Services): Promise<void> {
  const url = handshakeUrlOf(gateway, await openSession(gateway, 'bob'));
  expect(await pair(url, phone, 'battery staple')).toMatch(/^[0-9a-f]{32}$/);
}
