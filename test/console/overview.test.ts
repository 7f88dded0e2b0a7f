// The data of the Overview through running services: whole at first and then changes, over restarts, and over nodes on one Redis.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { OverviewChange, OverviewData } from '../../src/console/views/overview.ts';
import { applyOverviewChange } from '../../src/web/console/history-window.ts';
import { asScript } from '../support/console.ts';
import { openEventStream } from '../support/event-stream.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startMessaging } from '../support/messaging.ts';
import { post } from '../support/phone.ts';
import { redisForFile } from '../support/redis.ts';
import { type Services, startTestServices } from '../support/services.ts';

const urlOf = ({ gateway }: Services, range: string, path = '') =>
  `${gateway}/console/api/overview${path}?range=${range}`;

async function overviewOf(services: Services, range = '1h'): Promise<OverviewData> {
  const response = await fetch(urlOf(services, range), { headers: asScript(services) });
  expect(response.status).toBe(200);
  return (await response.json()) as OverviewData;
}

const sumOf = ({ window }: OverviewData, name: 'inbound_refused' | 'inbound' | 'published') =>
  window.columns[name].reduce<number>((sum, value) => sum + (value ?? 0), 0);

/** A text that no gateway accepts; its sender is not told. */
async function sendRefused({ gateway }: Services): Promise<void> {
  const sms = { text: 'no!', MSISDN: '+237650000001' };
  expect((await post(`${gateway}/sms/platform/gateway-client`, sms)).status).toBe(200);
}

/** Advances second by second; what a second starts may take real time. */
async function seconds(clock: FakeClock, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('a stream has the whole window once, and then changes that make the next one of it', async () => {
  const services = await startMessaging();
  await services.send('g:one:a:b');
  await seconds(services.clock, 2);
  const stream = await openEventStream(urlOf(services, '10m', '/events'), asScript(services));
  const first = await stream.next();
  expect(first?.name).toBe('message');
  let shown = first?.data as OverviewData;
  expect(shown.window.length).toBe(600);
  for (let n = 0; n < 5; n++) {
    await services.send(`g:${n}:a:b`);
    services.clock.advance(1_000);
    const event = await stream.next();
    expect(event?.name).toBe('change');
    const changed = event?.data as OverviewChange;
    expect(changed.change?.length ?? 0).toBeLessThan(10);
    shown = applyOverviewChange(shown, changed);
  }
  // A page that opens later begins with the whole, which is what the first one has made of the changes.
  const later = await openEventStream(urlOf(services, '10m', '/events'), asScript(services));
  const whole = await later.next();
  expect(whole?.name).toBe('message');
  expect(whole?.data).toMatchObject({ window: shown.window });
});

test('an unknown range is refused', async () => {
  const services = await startTestServices();
  const response = await fetch(urlOf(services, '1y'), { headers: asScript(services) });
  expect(response.status).toBe(400);
  expect((await fetch(urlOf(services, '1h'))).status).toBe(401);
});

test('a restart keeps the history, and a damaged file costs only the history', async () => {
  const clock = createFakeClock();
  const folder = temporaryFolder();
  const first = await startTestServices({ clock, folder });
  await sendRefused(first);
  await seconds(clock, 2);
  await first.stop();
  clock.advance(30_000);
  const second = await startTestServices({ clock, folder });
  await sendRefused(second);
  await seconds(clock, 2);
  await expect.poll(async () => sumOf(await overviewOf(second), 'inbound_refused')).toBe(2);
  await second.stop();

  const file = join(folder, 'data', 'history.json');
  await writeFile(file, (await readFile(file, 'utf8')).replace('local', 'lokal'));
  const third = await startTestServices({ clock, folder });
  await seconds(clock, 2);
  expect(sumOf(await overviewOf(third), 'inbound_refused')).toBe(0);
  expect(third.log.lines.map(({ message }) => message)).toContain(
    'moved a damaged file of the store to the folder for damaged files; the rest is in use',
  );
});

describeNodes();

function describeNodes(): void {
  const redis = redisForFile({ appendfsync: 'no' });

  test('two nodes on one Redis show each other, and the sum of both, also after one has stopped', async () => {
    const clock = createFakeClock();
    const folder = temporaryFolder();
    const start = (node: string) =>
      startTestServices({
        names: ['gateway'],
        folder,
        clock,
        set: [`store.url=${redis().url}`, `metrics.node=${node}`],
      });
    const [one, other] = [await start('one'), await start('other')];
    await sendRefused(one);
    await sendRefused(other);
    await sendRefused(other);
    const untilSeen = (services: Services, read: (overview: OverviewData) => unknown) =>
      expect.poll(
        async () => {
          clock.advance(2_000);
          return read(await overviewOf(services));
        },
        { interval: 200 },
      );
    for (const services of [one, other]) {
      await untilSeen(services, (overview) => sumOf(overview, 'inbound_refused')).toBe(3);
      await untilSeen(services, ({ nodes }) => nodes.map(({ name, isAlive }) => [name, isAlive])).toEqual(
        services === one
          ? [
              ['one', true],
              ['other', true],
            ]
          : [
              ['other', true],
              ['one', true],
            ],
      );
    }
    await other.stop();
    const seen = await overviewOf(one);
    expect(sumOf(seen, 'inbound_refused')).toBe(3);
    expect(seen.nodes[1]).toMatchObject({ name: 'other', services: ['gateway'], version: 'test' });
  });
}
