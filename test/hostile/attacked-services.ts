// The services under attack, with a user API that records every call, and what they have stored. Used by the tests of this folder.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { verifyChecksum, withChecksum } from '../../src/store/lowdb/checksum.ts';
import { recordName } from '../../src/store/lowdb/record-file.ts';
import { createPhone, handshakeUrlOf, openSession, pair } from '../support/phone.ts';
import { type Services, type ServicesOptions, startTestServices, users } from '../support/services.ts';
import { type HostileServer, startHostileServer } from '../upstream/hostile-server.ts';

export interface AttackedServices extends Services {
  /** The user management API; its `requests` are all that was forwarded. */
  readonly api: HostileServer;
  /** Calls so far that verify a password. */
  readonly passwordChecks: () => number;
  /** Every record on disk, by the name of its file: registrations of seeds and keys of users, also those that no file has yet. */
  readonly storedRecords: () => Record<string, string>;
}

export const phone = createPhone();

export async function startAttackedServices({
  set = [],
  ...options
}: ServicesOptions = {}): Promise<AttackedServices> {
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
      `user_management_api.api_url=${api.url}`,
      `user_management_api.verification_url=${api.url}/v2/users/%s/verify`,
      `user_management_api.platforms_url=${api.url}/v2/users/%s/platforms`,
      ...set,
    ],
  });
  return {
    ...services,
    api,
    passwordChecks: () => api.requests.filter(({ method }) => method === 'POST').length,
    storedRecords: () => recordsIn(join(services.folder, 'data')),
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
  const journal = join(data, 'user-journal');
  for (const name of existsSync(journal) ? readdirSync(journal) : []) {
    for (const line of readFileSync(join(journal, name), 'utf8').split('\n')) {
      const { value } = JSON.parse(verifyChecksum(line) ?? '{}');
      if (value) found[recordName('users', value.userId)] = withChecksum(JSON.stringify(value));
    }
  }
  return found;
}

/** The next good request: a phone of bob's pairs. */
export async function expectService({ gateway }: Services): Promise<void> {
  // On a slow machine a request may take longer than the short timeout that a test has set.
  await vi.waitFor(async () => {
    const url = handshakeUrlOf(gateway, await openSession(gateway, 'bob'));
    expect(await pair(url, phone, 'battery staple')).toMatch(/^[0-9a-f]{32}$/);
  });
}
