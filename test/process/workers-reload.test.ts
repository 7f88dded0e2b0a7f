// SIGHUP to `swob serve --workers`: workers are replaced one after the other, while clients on new and on kept connections notice nothing.

import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { openPage } from '../support/page.ts';
import { requestOnce, startWorkers } from '../support/workers.ts';
import { createInstallation } from './installation.ts';

const reloaded = 'all workers run with the configuration as it is now';

/** Requests one after the other until `stop`; those of one agent share a connection. @returns the statuses, by their number */
function startClient(url: string, agent: Agent | false) {
  const statuses = new Map<number | string, number>();
  let isStopped = false;
  const count = (outcome: number | string): void =>
    void statuses.set(outcome, (statuses.get(outcome) ?? 0) + 1);
  const send = (): Promise<void> =>
    new Promise((resolve) => {
      const sent = request(url, { agent }, (response) => {
        response.resume();
        response.on('end', () => {
          count(response.statusCode ?? 0);
          resolve();
        });
        response.on('error', (error) => {
          count(error.message);
          resolve();
        });
      });
      sent.on('error', (error) => {
        count(error.message);
        resolve();
      });
      sent.end();
    });
  const ended = (async () => {
    while (!isStopped) await send();
  })();
  return {
    stop: async () => {
      isStopped = true;
      await ended;
      if (agent) agent.destroy();
      return statuses;
    },
  };
}

test('no request and no connection is refused during a reload, and the new configuration is in use', async () => {
  // The page shows its code for longer than a busy machine takes; after the last one the socket would close with 1000.
  const extra = '[console]\npairing = false\n[sync]\nsession_sleep_timeout = 1h';
  const { folder, conf } = await createInstallation({ extra });
  const swob = await startWorkers([], { cwd: folder });
  const { gateway, sync } = swob.ready;
  const first = swob.pids();
  const page = openPage(`${sync.url}/v2/sync/init/alice/0123456789abcdef0123456789abcdef`);
  onTestFinished(() => page.close());
  await page.shownUrl();
  expect((await requestOnce(`${gateway.url}/pair/alice`)).status).toBe(404);

  const clients = [
    ...Array.from({ length: 2 }, () => startClient(`${gateway.url}/seeds`, false)),
    ...Array.from({ length: 2 }, () =>
      startClient(`${gateway.url}/seeds`, new Agent({ keepAlive: true, maxSockets: 1 })),
    ),
  ];
  writeFileSync(conf, readFileSync(conf, 'utf8').replace('pairing = false', 'pairing = true'));
  swob.kill('SIGHUP');
  await swob.waitForOutput('stderr', reloaded);
  const outcomes = await Promise.all(clients.map((client) => client.stop()));
  for (const statuses of outcomes) expect([...statuses.keys()]).toEqual([200]);

  for (const pid of first) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(swob.pids()).toHaveLength(4);
  expect((await requestOnce(`${gateway.url}/pair/alice`)).status).not.toBe(404);
  // The page was told to come back, and shows a code again.
  await page.shownUrl();
  expect(page.closeCodes).toContain(1001);
  const { text } = await requestOnce(`${gateway.url}/metrics`);
  expect(text).toContain('swob_worker_replacements_total{cause="reload"} 2\n');
  expect(swob.lines().filter(({ level }) => level >= 40)).toEqual([]);
});

test('an invalid configuration changes nothing, nor does one with which a worker cannot start', async () => {
  const { folder, conf } = await createInstallation();
  const swob = await startWorkers([], { cwd: folder });
  const before = readFileSync(conf, 'utf8');
  writeFileSync(conf, before.replace('[api]\nport = 0', '[api]\nport = many'));
  swob.kill('SIGHUP');
  await swob.waitForOutput('stderr', 'the configuration is invalid; the workers keep the former one');
  expect(swob.lines().filter(({ msg }) => msg.includes('configuration is invalid'))).toHaveLength(1);
  writeFileSync(conf, `${before}\n[api_ssl]\ncrt = no.crt\nkey = no.key\n`);
  swob.kill('SIGHUP');
  await swob.waitForOutput('stderr', 'a worker could not start with the new configuration');
  expect(swob.lines().find(({ msg }) => msg.startsWith('a worker could not start'))).toMatchObject({
    level: 50,
    error: expect.stringContaining('[api_ssl] crt: cannot read no.crt'),
  });
  expect(swob.pids()).toHaveLength(2);
  for (const pid of swob.pids()) expect(process.kill(pid, 0)).toBe(true);
  expect((await requestOnce(`${swob.ready.gateway.url}/seeds`)).status).toBe(200);
  // A corrected one is used by the next reload. What only the primary uses needs a restart.
  writeFileSync(conf, `${before}\n[seeds]\nexpiry = 1h\n[store]\nurl = file:other\n`);
  swob.kill('SIGHUP');
  await swob.waitForOutput('stderr', reloaded);
  expect(swob.lines()).toContainEqual(
    expect.objectContaining({ level: 40, settings: ['[store]', 'bounds and times of what the store keeps'] }),
  );
  const { gateway } = swob.ready;
  expect(await requestOnce(`${gateway.url}/seeds`)).toMatchObject({ status: 200, text: '[]' });
  const readiness = await requestOnce(`${gateway.url}/readyz`);
  expect(JSON.parse(readiness.text).checks).toMatchObject({ store: { ok: true }, disk: { ok: true } });
});
