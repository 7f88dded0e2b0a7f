// The console over two nodes on one Redis: what one node knows alone is shown by the other, and actions are undone from either.

import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { createLogTail } from '../../src/app/logging/log-tail.ts';
import type { ChecksData } from '../../src/console/views/checks.ts';
import type { DisconnectsData } from '../../src/console/views/disconnects.ts';
import type { LogData } from '../../src/console/views/log.ts';
import type { MessagesActionResult, MessagesData } from '../../src/console/views/messages.ts';
import type { OutgoingData } from '../../src/console/views/outgoing.ts';
import type { OverviewData } from '../../src/console/views/overview.ts';
import type { SeedsData } from '../../src/console/views/seeds.ts';
import { publicPem } from '../crypto/token-builder.ts';
import { asScript, ownPage, postJson, signIn } from '../support/console.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startMessaging } from '../support/messaging.ts';
import { get, post } from '../support/phone.ts';
import { redisForFile } from '../support/redis.ts';
import { type Services, startTestServices } from '../support/services.ts';

const redis = redisForFile({ appendfsync: 'no' });

/** Time passes while the request runs, because it may wait for an answer, or for Redis. */
async function read<Data>(services: Services, path: string): Promise<Data> {
  const timer = setInterval(() => services.clock.advance(25), 25);
  try {
    const response = await fetch(`${services.gateway}/console/api/${path}`, { headers: asScript(services) });
    expect(response.status).toBe(200);
    return (await response.json()) as Data;
  } finally {
    clearInterval(timer);
  }
}

async function act<Result>(services: Services, path: string, body: object): Promise<Result> {
  const url = `${services.gateway}/console/api/${path}`;
  const { status, body: result } = await postJson(url, body, asScript(services));
  expect([status, result]).toEqual([200, expect.anything()]);
  return result as Result;
}

async function startNodes() {
  const clock = createFakeClock();
  const folder = temporaryFolder();
  const keyFile = join(folder, 'tokens.pem');
  writeFileSync(keyFile, publicPem);
  const optionsOf = (node: string) => {
    const logTail = createLogTail(clock, () => {});
    logTail.add(JSON.stringify({ level: 30, time: '2026-01-01T00:00:00Z', msg: `a line of ${node}` }));
    const shared = [`store.url=${redis().url}`, `store.prefix=${basename(folder)}`];
    const set = [...shared, `metrics.node=${node}`, `validation.public_key=${keyFile}`];
    return { folder, clock, logTail, set };
  };
  const one = await startMessaging({ ...optionsOf('one'), publisher: { mode: 'reject' } });
  const other = await startTestServices({ ...optionsOf('other'), names: ['gateway', 'disconnect'] });
  for (const services of [one, other])
    await expect
      .poll(
        async () => {
          clock.advance(1_000);
          const { nodes } = await read<OverviewData>(services, 'overview?range=1h');
          return nodes.filter(({ isAlive }) => isAlive).length;
        },
        { interval: 200 },
      )
      .toBe(2);
  return { clock, one, other };
}

test('each node shows what the other one knows alone, and waits for none that has stopped', async () => {
  const { one, other } = await startNodes();
  await post(`${other.gateway}/sms/platform/gateway-client`, { text: 'no!', MSISDN: '+237650000001' });
  const refused = await read<MessagesData>(one, 'messages?state=refused');
  expect(refused).toMatchObject({ total: 1, messages: [{ msisdn: '+237650000001', state: 'refused' }] });
  const [{ id } = { id: '' }] = refused.messages;
  const { selected, missing } = await read<MessagesData>(one, `messages?id=${id}&text=${id}`);
  expect([selected?.remedy, missing]).toEqual([expect.stringContaining('ordinary SMS'), undefined]);

  const seed = { IMSI: '624010000000001', MSISDN: '+237650000011', seed_type: 'seed' };
  expect((await post(`${other.gateway}/seeds/ping`, seed)).status).toBe(200);
  const shown = await read<SeedsData>(one, 'seeds?seed=%2B237650000011');
  expect(shown.selected?.history.map(({ event }) => event)).toEqual(['first ping since the start of swob']);

  await get(`${other.disconnect}/disconnect`);
  const disconnects = () => read<DisconnectsData>(one, 'disconnects');
  expect(await disconnects()).toMatchObject({
    ...{ isRunning: false, isRunningSomewhere: true, isShared: true },
    report: { outcomes: [{ outcome: 'malformed', count: 1 }] },
  });

  const { lines } = await read<LogData>(one, 'log');
  expect(lines.map(({ node, message }) => [node, message])).toEqual([
    ['one', 'a line of one'],
    ['other', 'a line of other'],
  ]);
  await act(one, 'log/level', { level: 'debug', minutes: 1 });
  expect((await read<LogData>(other, 'log')).lowered?.level).toBe('debug');
  expect((await read<OutgoingData>(one, 'outgoing')).broker).toBe('not configured');
  await act(one, 'checks/run', {});
  const checked = await read<ChecksData>(other, 'checks');
  expect(checked.last?.findings.some(({ nodes }) => nodes === undefined)).toBe(true);

  // A node that has said that it stops is not waited for.
  await other.stop();
  one.clock.advance(1_000);
  const alone = await read<LogData>(one, 'log?level=info');
  expect(alone.missing).toBeUndefined();
  expect(alone.lines).toMatchObject([{ message: 'a line of one' }]);
});

test('an action that waits on one node is shown and undone by the other', async () => {
  const { clock, one, other } = await startNodes();
  await one.send('g:to@example.org:::subject:body');
  await expect.poll(async () => (await read<MessagesData>(one, 'messages')).counts.deadLetters).toBe(1);
  const [message] = (await read<MessagesData>(one, 'messages?state=dead-lettered')).messages;
  const requested = await act<MessagesActionResult>(one, 'messages/drop', { id: message?.id });
  const { action } = requested.kind === 'pending' ? requested : { action: undefined };
  const [shown] = (await read<MessagesData>(other, 'messages')).actions;
  expect(shown).toMatchObject({ id: action?.id, state: 'pending' });
  expect(await act(other, 'messages/undo', { id: action?.id })).toEqual({ kind: 'undone' });
  expect(await act(other, 'messages/undo', { id: action?.id })).toEqual({ kind: 'too late' });
  expect(await act(other, 'messages/undo', { id: 'x' })).toEqual({ kind: 'unknown' });
  clock.advance(10_000);
  await expect
    .poll(async () => (await read<MessagesData>(other, 'messages')).actions)
    .toMatchObject([{ state: 'undone' }]);
  expect((await read<MessagesData>(other, 'messages')).counts.deadLetters).toBe(1);
});

test('a session that signs out on one node is refused by the other', async () => {
  const { one, other } = await startNodes();
  const cookie = await signIn(one);
  const statusOf = async (services: Services) =>
    (await fetch(`${services.gateway}/console/api/settings`, { headers: { cookie } })).status;
  expect([await statusOf(one), await statusOf(other)]).toEqual([200, 200]);
  await postJson(`${one.gateway}/console/sign-out`, {}, { ...ownPage, cookie });
  expect([await statusOf(one), await statusOf(other)]).toEqual([401, 401]);
});
