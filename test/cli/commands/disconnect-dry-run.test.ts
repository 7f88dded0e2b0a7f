// `swob disconnect --dry-run` and `--explain`: how a token is judged, and what would be sent to whom.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { other, publicPem, rs256, sampleClaims, sampleTime } from '../../crypto/token-builder.ts';
import { goodToken, startDisconnect } from '../../support/disconnect.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { createCli } from '../harness.ts';

async function swob(token: string, ...words: string[]) {
  const folder = temporaryFolder();
  const key = join(folder, 'public.pem');
  const conf = join(folder, 'conf.ini');
  const secret = join(folder, 'nas.secret');
  writeFileSync(key, publicPem);
  writeFileSync(secret, 'a secret of a NAS that is long enough', { mode: 0o600 });
  writeFileSync(
    conf,
    `[validation]\npublic_key = ${key}\n[pcrf]\nhost = pcrf.example\n[nas branch]\naddress = 100.112.0.0/16\nsecret_file = ${secret}\n`,
  );
  const cli = createCli({ clock: createFakeClock(sampleTime), env: { SWOB_TOKEN: token } });
  const exit = await cli.swob('-c', conf, 'disconnect', ...words);
  return { exit, out: cli.out.text, err: cli.err.text };
}

const url =
  'http://pcrf.example:7070/account/disconnect?session=5692549928996307964&nas_ip=100.112.0.1&vrf=1&single=false&mac=FC-45-96-5F-50-AC&remove_mac=true';

test('a dry run judges each claim and shows the call, without the token', async () => {
  const { exit, out } = await swob(goodToken, '--dry-run');
  expect(exit).toBe(0);
  expect(out).toContain('signature: valid\n');
  expect(out).toMatch(/^sessionId: "5692549928996307964" {2}ok$/m);
  expect(out).toContain(`pcrf: GET ${url}\n`);
  expect(out).not.toContain(goodToken.split('.')[2]);
});

test('a number of 18 digits is shown digit for digit', async () => {
  const json = JSON.stringify(sampleClaims).replace('"5692549928996307964"', '569254992899630796');
  expect((await swob(rs256(json), '--dry-run')).out).toContain('?session=569254992899630796&');
});

test('both backends are named, and a NAS that is not configured', async () => {
  const both = ['--dry-run', '--set', 'disconnect.backend=both'];
  const { out } = await swob(goodToken, ...both);
  expect(out).toContain(`pcrf: GET ${url}\n`);
  expect(out).toContain(
    'radius: Disconnect-Request to 100.112.0.1:3799 ([nas branch], profile generic) with User-Name = user, Acct-Session-Id = 5692549928996307964, Calling-Station-Id = FC-45-96-5F-50-AC, NAS-IP-Address = 100.112.0.1\n',
  );
  const elsewhere = await swob(rs256({ ...sampleClaims, nasIp: '192.0.2.9' }), ...both);
  expect(elsewhere.exit).toBe(1);
  expect(elsewhere.out).toContain('nasIp: "192.0.2.9"  refused: no [nas …] section has its nasIp and vrf\n');
  const odd = await swob(rs256({ ...sampleClaims, sub: 7, clientIp: 'a.b' }), ...both);
  expect(odd.out).toContain('sub: 7  ignored: RADIUS cannot send it\n');
  expect(odd.out).toContain('clientIp: "a.b"  ignored: RADIUS cannot send it\n');
  const fortigate = await swob(goodToken, ...both, '--set', 'nas branch.profile=fortigate');
  expect(fortigate.out).toContain(
    'radius: nothing, as [nas branch], profile fortigate needs clientIp (Framed-IP-Address) to find the session\n',
  );
});

test('a token that the service would refuse is explained claim by claim, and nothing would be sent', async () => {
  const { exit, out } = await swob(rs256({ ...sampleClaims, exp: 1, clientMac: 'x' }), '--dry-run');
  expect(exit).toBe(1);
  expect(out).toMatch(/^exp: 1 {2}refused: expired at /m);
  expect(out).toMatch(/^clientMac: "x" {2}refused: clientMac is not a MAC address$/m);
  expect(out).toMatch(/^vrf: "1" {2}ok$/m);
  expect(out).toContain('nothing would be sent: the token is refused\n');
  const forged = await swob(rs256(sampleClaims, { alg: 'RS256' }, other.privateKey), '--dry-run', '--json');
  expect(forged.exit).toBe(1);
  expect(JSON.parse(forged.out)).toMatchObject({
    valid: false,
    faults: ['its signature does not match the key'],
    calls: [],
  });
});

test('--explain shows the same on stderr and sends the token', async () => {
  const service = await startDisconnect();
  const { exit, out, err } = await swob(goodToken, '--explain', '--url', service.url);
  expect([exit, out]).toEqual([0, '{"success":true}\n']);
  expect(err).toContain('nasIp: "100.112.0.1"  ok\n');
  expect(service.calls()).toBe(1);
});

test('further PCRFs are named, and how the session is verified', async () => {
  const hosts = ['--dry-run', '--set', 'pcrf.host=pcrf.example, [::1]:7071', '--set'];
  const path = 'pcrf.session_path=/s?id={session}';
  const { out } = await swob(goodToken, ...hosts, path, '--set', 'disconnect.verify=pcrf');
  expect(out).toContain(`pcrf: GET ${url} (when it cannot be reached: [::1]:7071)\n`);
  expect(out).toContain('verify: GET /s?id=5692549928996307964 at the PCRF\n');
  const accounting = await swob(goodToken, ...hosts, 'disconnect.verify=accounting');
  expect(accounting.out).toContain('verify: wait for the Accounting-Stop of 5692549928996307964\n');
});
