// C9: resident memory of a daemon with all its services, idle and after load of every kind.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import type { BenchEnvironment } from '../environment.ts';
import { disconnectRequests, pings } from '../fixtures.ts';
import { type HttpRequest, loadHttp } from '../http-load.ts';
import { residentKb } from '../machine.ts';
import { startPhones } from '../phones.ts';
import { startUpstream } from '../upstreams.ts';

const settleMs = 3_000;
/** Memory hardly varies between rounds. */
const maxRounds = 3;

export const memoryBench: Bench = {
  id: 'C9',
  title: 'resident memory, all services',
  run: async (environment) => {
    const upstream = await startUpstream(environment);
    const { requests, keyFile } = await disconnectRequests(await environment.folder(), 500);
    const settings = [...Object.values(upstream.settings).flat(), `validation.public_key=${keyFile}`];
    const idle: number[] = [];
    const loaded: number[] = [];
    const failures: string[] = [];
    for (let round = 0; round < Math.min(environment.rounds, maxRounds); round++) {
      const daemon = await startDaemon(environment, ['gateway', 'sync', 'disconnect'], { settings });
      await sleep(environment.quick ? 500 : settleMs);
      idle.push(residentKb(daemon.child.pid) / 1_024);
      failures.push(...(await loadEverything(environment, daemon.urls, requests)));
      await sleep(environment.quick ? 500 : settleMs);
      loaded.push(residentKb(daemon.child.pid) / 1_024);
      await daemon.child.stop();
    }
    await upstream.child.stop();
    const row = { unit: 'MB', baseline: [] };
    return [
      { ...row, name: 'C9 daemon, idle', ours: idle, target: { oursAtMost: 90 } },
      { ...row, name: 'C9 daemon, after load', ours: loaded, target: { oursAtMost: 140 }, failures },
    ];
  },
};

async function loadEverything(
  environment: BenchEnvironment,
  urls: { readonly gateway: string; readonly disconnect: string },
  disconnects: readonly HttpRequest[],
): Promise<string[]> {
  const seconds = Math.min(environment.seconds, 2);
  const lists = [{ method: 'GET', path: '/seeds' }] as const;
  const results = [
    await loadHttp(environment, { url: urls.gateway, requests: pings(1_000), seconds }),
    await loadHttp(environment, { url: urls.gateway, requests: lists, seconds }),
    await loadHttp(environment, { url: urls.disconnect, requests: disconnects, seconds }),
  ];
  const phones = await startPhones(environment, urls.gateway);
  results.push(
    await phones.pair(
      seconds,
      Array.from({ length: 500 }, (_, index) => `user-${index}`),
    ),
  );
  await phones.child.stop();
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  return failed > 0 ? [`${failed} requests failed`] : [];
}
