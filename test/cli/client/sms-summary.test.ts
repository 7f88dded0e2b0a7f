// What `swob status` and `doctor` report about waiting messages and upstream systems that reject every call.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { describeSmsSummary } from '../../../src/cli/client/sms-summary.ts';
import { startPublisherStub } from '../../../src/stubs/publisher.ts';
import { absentSystemSettings } from '../../support/absent-systems.ts';
import { startMessaging } from '../../support/messaging.ts';
import { versionedPayload } from '../../support/relay-payloads.ts';
import { createCli } from '../harness.ts';

const message = 'g:to@example.org:::subject:body';

async function startGatewayCli(options: Parameters<typeof startMessaging>[0] = {}) {
  const messaging = await startMessaging({ names: ['gateway'], ...options });
  const absent = await absentSystemSettings();
  const at = [
    ...absent.flatMap((setting) => ['--set', setting]),
    ...['--set', `api.port=${new URL(messaging.gateway).port}`],
    ...['--set', `store.url=file:${join(messaging.folder, 'data')}`],
    ...['--set', `security.admin_token_filepath=${join(messaging.folder, 'admin.token')}`],
  ];
  const swob = async (...words: string[]) => {
    const cli = createCli({ clock: messaging.clock });
    const exit = await cli.swob(...words, ...at);
    return { exit, out: cli.out.text, err: cli.err.text, values: cli.values };
  };
  return { ...messaging, swob };
}

test('an idle gateway has an empty summary', async () => {
  const { swob } = await startGatewayCli();
  expect((await swob('status', 'gateway')).out).toContain('messages: 0 wait; 0 dead-lettered\n');
  const { out } = await swob('doctor', 'gateway');
  expect(out).toContain('ok    messages: 0 wait; 0 dead-lettered');
  expect(out).toContain('ok    calls to the Publisher: the last call succeeded');
});

test.each([
  [{ waiting: 0, callbacks: 0, oldestWait: 0, passedOver: [] }, 'outgoing SMS: 0 wait'],
  [{ waiting: 2, callbacks: 1, oldestWait: 0, passedOver: [] }, 'outgoing SMS: 2 wait; 1 callback waits'],
  [
    {
      ...{ waiting: 1, callbacks: 69, oldestWait: 90 },
      passedOver: [{ route: 'dev1_OUTGOING_SMS.237.62401', why: 'failed' as const }],
    },
    'outgoing SMS: 1 waits, the first of a queue for 1m 30s; 69 callbacks wait; the phones of dev1_OUTGOING_SMS.237.62401 fail',
  ],
])('describes outgoing SMS: %j', (outgoing, line) => {
  const summary = { waiting: 0, deadLetters: 0, upstreams: [], outgoing };
  expect(describeSmsSummary(summary, 0)).toContain(line);
});

test('shows waiting messages, dead-lettered ones, and a failing Publisher', async () => {
  const { swob, send, publisher, clock } = await startGatewayCli({ set: ['publisher.retry_pause=1d'] });
  publisher.setMode('reject');
  expect((await send(message)).status).toBe(202);
  publisher.setMode('refuse');
  for (let n = 0; n < 3; n++) expect((await send(message)).status).toBe(202);
  clock.advance(3_900_000);
  const { out } = await swob('status', 'gateway');
  expect(out).toContain('messages: 3 wait, the oldest for 1h 5m; 1 dead-lettered\n');
  expect(out.replace(/\s+/g, ' ')).toMatch(
    /calls to the Publisher: the last 3 calls failed, for 1h 5m: the Publisher at \S+ answered 500/,
  );
  const status = async () => {
    // The result of a check that ran while the clock advanced is cached for a second.
    clock.advance(1_000);
    return (await swob('status', 'gateway', '--json')).values();
  };
  await expect.poll(status).toMatchObject([
    {
      daemons: [
        {
          state: 'degraded',
          checks: expect.arrayContaining([
            expect.objectContaining({ name: 'publisher', ok: false, reason: 'failing' }),
          ]),
        },
      ],
      messages: {
        waiting: 3,
        deadLetters: 1,
        upstreams: [{ name: 'publisher', failures: 3 }, { failures: 0 }],
      },
    },
  ]);
  const doctor = await swob('doctor', 'gateway');
  expect(doctor.exit).toBe(1);
  expect(doctor.out).toContain('warn  messages: 3 wait, the oldest for 1h 5m; 1 dead-lettered');
  expect(doctor.out).toContain('fail  calls to the Publisher: the last 3 calls failed');
});

test('shows a reachable developer API that rejects every SMS', async () => {
  const { swob, send } = await startGatewayCli({
    set: ['dev_api.auth_id=ours', 'dev_api.auth_key=wrong'],
    developers: new Map([['ours', 'right']]),
  });
  for (let n = 0; n < 3; n++) expect((await send(message)).status).toBe(202);
  const { out } = await swob('status', 'gateway');
  expect(out.replace(/\s+/g, ' ')).toContain('[dev_api] auth_id/auth_key are refused');
  const doctor = await swob('doctor', 'gateway');
  expect(doctor.out).toMatch(
    /fail {2}calls to the back end: the last 3 calls failed.*auth_id\/auth_key are refused/,
  );
});

test('of a relay alone, the calls to the RelaySMS Publisher are shown, and no systems that it does not need', async () => {
  const relay = await startPublisherStub({ host: '127.0.0.1', port: 0, mode: 'refuse' });
  onTestFinished(() => relay.close());
  const { swob, post } = await startGatewayCli({ set: [`relay.url=${relay.url}`] });
  for (const sender of ['+237650000001', '+237650000002', '+237650000003']) {
    const text = versionedPayload(1).toString('base64');
    expect((await post({ text, MSISDN: sender })).status).toBe(202);
  }
  const { out } = await swob('status', 'gateway', '--set', `relay.url=${relay.url}`);
  expect(out.replace(/\s+/g, ' ')).toMatch(
    /calls to the RelaySMS Publisher: the last 3 calls failed, .*: the RelaySMS Publisher at \S+ answered 500/,
  );
  const doctor = await swob('doctor', 'gateway', '--set', `relay.url=${relay.url}`);
  expect(doctor.out).toMatch(/^fail {2}calls to the RelaySMS Publisher: .*\n.* correct \[relay\]$/m);
  expect(doctor.out).toMatch(/^ok {4}RelaySMS Publisher: /m);
  expect(doctor.out).not.toMatch(/back end|developer API|user management API|the Publisher/);
});

test('without the admin token the summary is empty', async () => {
  const { swob, folder } = await startGatewayCli();
  await rm(join(folder, 'admin.token'));
  const { out } = await swob('status', 'gateway');
  expect(out).not.toContain('messages:');
});
