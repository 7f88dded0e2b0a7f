// C12: pings, lists and new sessions beside the server that swob replaces, where --old names a checkout of it.

import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { pings } from '../fixtures.ts';
import { type HttpRequest, loadHttp } from '../http-load.ts';
import { startOldServer } from '../old-server.ts';
import type { Row } from '../report.ts';
import { compareHttp } from '../rounds.ts';
import { keepAlive } from './lists.ts';

const seeds = 1_000;

export const replacedBench: Bench = {
  id: 'C12',
  title: 'beside the replaced server (--old FOLDER)',
  run: async (environment) => {
    if (environment.old === undefined) {
      environment.reportProgress('C12 needs --old FOLDER: a checkout of the replaced server, ready to start');
      return [];
    }
    const old = await startOldServer(environment, environment.old);
    const daemon = await startDaemon(environment, ['gateway', 'sync']);
    const compare = async (
      name: string,
      atLeast: number,
      requests: readonly HttpRequest[],
      isSlow = false,
    ): Promise<Row> =>
      compareHttp(
        environment,
        { name: `C12 ${name}`, target: { atLeast } },
        {
          ours: { server: daemon.child, load: () => ({ url: daemon.urls.gateway, requests }) },
          baseline: { server: old.child, load: () => ({ url: old.url, requests }), isSlow },
        },
      );

    // Registering a seed costs more than a ping of a known one.
    for (const { url } of [{ url: daemon.urls.gateway }, old])
      await loadHttp(environment, { url, requests: pings(seeds), once: true, seconds: 60 });
    const rows = [await compare('POST /seeds/ping', 50, pings(seeds))];
    const alive = [await keepAlive(daemon.urls.gateway, seeds), await keepAlive(old.url, seeds)];
    // It takes a third of a second for a list, seconds on a busy machine.
    const list = await compare('GET /seeds', 1_000, [{ method: 'GET', path: '/seeds' }], true);
    rows.push({ ...list, failures: [...(list.failures ?? []), ...alive.flatMap((each) => each.failures())] });
    for (const each of alive) await each.stop();
    const sessions = Array.from(
      { length: 1_000 },
      (_, index): HttpRequest => ({ method: 'GET', path: `/v2/sync/users/user-${index}` }),
    );
    rows.push(await compare('new session', 40, sessions));
    await Promise.all([daemon.child.stop(), old.child.stop()]);
    return rows;
  },
};
