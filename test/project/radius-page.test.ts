// docs/radius.md: the packets that it prints for each vendor are those that are sent with the configuration beside them.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nasProfiles } from '../../src/domain/wifi/nas-profiles.ts';
import type { RadiusRequest } from '../../src/radius/client.ts';
import { createRadiusBackend } from '../../src/upstream/radius-nas.ts';
import { createCli } from '../cli/harness.ts';
import { publicPem, rs256, sampleTime } from '../crypto/token-builder.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';

const page = readFileSync('docs/radius.md', 'utf8');
const names: Readonly<Record<string, number>> = {
  'User-Name': 1,
  'NAS-IP-Address': 4,
  'Framed-IP-Address': 8,
  'Calling-Station-Id': 31,
  'Acct-Session-Id': 44,
  'Event-Timestamp': 55,
};

test.each(['mikrotik', 'cisco', 'fortigate'] as const)('the packet for %s', async (profile) => {
  const sections = page.split(/^## /m).filter((text) => text.includes(`profile = ${profile}\n`));
  const section = sections.at(-1) ?? expect.fail(profile);
  const [, ini = ''] = /```ini\n(.*?)```/s.exec(section) ?? [];
  const [, ...printed] =
    /```\n(Disconnect-Request to .*?)```/s
      .exec(section)?.[1]
      ?.trim()
      .split(/\n {2}/) ?? [];
  const claims: Record<string, string> = JSON.parse(/```json\n(.*?)```/s.exec(page)?.[1] ?? '');

  const folder = temporaryFolder();
  const [secret, key, conf] = ['nas.secret', 'public.pem', 'conf.ini'].map((name) => join(folder, name));
  writeFileSync(secret ?? '', 'the-shared-secret', { mode: 0o400 });
  writeFileSync(key ?? '', publicPem);
  expect(ini).toContain('/etc/swob/nas.secret');
  const validation = `[disconnect]\nbackend = radius\n[validation]\npublic_key = ${key}\n`;
  writeFileSync(conf ?? '', `${validation}${ini.replace('/etc/swob/nas.secret', secret ?? '')}`);
  const token = rs256({ ...claims, exp: sampleTime / 1_000 + 60 });
  const cli = createCli({ clock: createFakeClock(sampleTime), env: { SWOB_TOKEN: token } });
  expect(await cli.swob('-c', conf ?? '', 'disconnect', '--dry-run')).toBe(0);
  // The first and the last are the same in every packet.
  expect(cli.out.text).toContain(` with ${printed.slice(1, -1).join(', ')}\n`);

  const sent: RadiusRequest[] = [];
  const nas = {
    ...{ name: profile, port: 3799, sourceAddress: '', timeoutMs: 1, retries: 0 },
    profile: nasProfiles[profile],
    secret: () => Buffer.from('x'),
  };
  const backend = createRadiusBackend({
    client: {
      request: async (request) => {
        sent.push(request);
        return { kind: 'timeout', attempts: 1 };
      },
    },
    find: () => nas,
    clock: { now: () => sampleTime },
  });
  const { sub: userName = '', sessionId = '', nasIp = '', vrf = '', clientMac = '', clientIp = '' } = claims;
  await backend.disconnect({ userName, sessionId, nasIp, vrf, clientMac, clientIp });
  // Message-Authenticator is added to every packet, as its first attribute.
  expect(sent[0]?.attributes.map(({ type }) => type)).toEqual(
    printed.slice(1).map((line) => names[line.split(' = ')[0] ?? '']),
  );
});
