// `swob pairings list` and `revoke` against a running gateway, and users as Tab completes them.

import { expect, test } from 'vitest';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createCli } from '../harness.ts';
import { startMessagingCli } from './sms/gateway.ts';

test('lists the pairings, revokes one, and completes users', async () => {
  const { swob, gateway, folder } = await startMessagingCli();
  const listed = await swob(['pairings', 'list']);
  expect(listed.out).toMatch(/^USER +PAIRED +KEY +STATE\nalice +\S+ +[0-9a-f]{16} +paired\n$/);
  const [all] = (await swob(['pairings', 'list', 'al', '--json'])).values();
  expect(all).toEqual([
    { userId: 'alice', pairedAt: expect.any(Number), fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) },
  ]);
  expect(await swob(['pairings', 'list', 'b'])).toMatchObject({
    exit: 0,
    out: '',
    err: expect.stringContaining('no phone'),
  });

  const settings = [
    '--set',
    `api.port=${new URL(gateway).port}`,
    '--set',
    `security.admin_token_filepath=${folder}/admin.token`,
  ];
  for (const words of [
    ['sync', 'qr'],
    ['pairings', 'revoke'],
    ['pairings', 'list'],
    ['wait', '--for', 'paired'],
  ]) {
    // A clock that stands still, as a gateway on a busy machine may take longer than Tab waits.
    const cli = createCli({ clock: createFakeClock() });
    await cli.swob('__complete', '--', ...settings, ...words, 'al');
    expect([words, cli.out.text]).toEqual([words, 'alice\tpaired\n']);
  }

  expect((await swob(['pairings', 'revoke', 'alice', '--dry-run'])).out).toMatch(
    /^dry run: the pairing of alice .* would be revoked\n$/,
  );
  expect((await swob(['pairings', 'list'])).out).toContain(' paired\n');
  expect(await swob(['pairings', 'revoke', 'alice'])).toMatchObject({
    exit: 0,
    out: expect.stringMatching(/^revoked the pairing of alice/),
  });
  expect((await swob(['pairings', 'revoke', 'alice'])).out).toContain('was revoked before');
  expect((await swob(['pairings', 'list'])).out).toMatch(/ revoked \S+\n$/);
  for (const more of [[], ['--dry-run']])
    expect(await swob(['pairings', 'revoke', 'nobody', ...more])).toMatchObject({
      exit: 1,
      err: expect.stringContaining('has not paired'),
    });
});
