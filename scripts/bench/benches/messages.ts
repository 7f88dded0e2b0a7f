// C7: inbound SMS to a stub Publisher, each another, from 1,000 paired users, beside a server of fastify that decrypts, publishes, and
// syncs a receipt; and beside one that keeps swob's limits, checks and durable lines, too.

import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { type Server, startServer } from '../environment.ts';
import { fillStore, smsRequests } from '../fixtures.ts';
import type { HttpRequest } from '../http-load.ts';
import type { Row } from '../report.ts';
import { compareHttp } from '../rounds.ts';
import { startDeveloperApi, startUpstream } from '../upstreams.ts';

const users = 1_000;
/** More than swob publishes, so that no SMS is sent twice. */
const maxPerSecond = 12_000;
/** Connections of swob's client of the Publisher. */
const poolSize = '64';

export const messagesBench: Bench = {
  id: 'C7',
  title: 'POST /sms/platform/gateway-client, stub Publisher',
  run: async (environment) => {
    const upstream = await startUpstream(environment);
    const folder = await environment.folder();
    await fillStore(folder, { users });
    const distinctRequests = (): HttpRequest[] => smsRequests(maxPerSecond * environment.seconds, users);
    const backEnd = await startDeveloperApi(environment);
    const daemon = await startDaemon(environment, ['gateway', 'sync'], {
      folder,
      settings: [...upstream.settings.publisher, ...backEnd.settings],
    });
    const startBaseline = (script: string): Promise<Server> =>
      startServer(environment, 'server', script, [
        upstream.url,
        poolSize,
        join(folder, `receipts-of-${script}`),
        String(users),
      ]);
    const fair = await startBaseline('fair-messages');
    const checked = await startBaseline('checked-messages');
    const compare = (
      name: string,
      { child, url }: Server,
      requests: () => HttpRequest[] = distinctRequests,
    ): Promise<Row> =>
      compareHttp(
        environment,
        { name, target: { atLeast: 0.6 } },
        {
          ours: {
            server: daemon.child,
            load: () => ({ url: daemon.urls.gateway, requests: distinctRequests() }),
          },
          baseline: { server: child, load: () => ({ url, requests: requests() }) },
        },
      );
    // It keeps no receipts in memory, so that it publishes a repeated SMS again.
    const row = await compare('C7 inbound SMS', fair, () => smsRequests(1_000, users));
    const withChecks = await compare('C7 inbound SMS, limits, checks and durable lines in both', checked);
    const metrics = await daemon.metrics();
    const outcome = (name: string): number => metrics.get(`swob_inbound_sms_total{outcome="${name}"}`) ?? 0;
    const failures: string[] = [];
    const others = outcome('accepted') + outcome('refused') + outcome('failed');
    if (others > 0 || outcome('published') === 0) {
      failures.push(`${outcome('published')} published, ${others} not`);
    }
    const repeated = metrics.get('swob_sms_refusals_total{reason="duplicate"}') ?? 0;
    if (repeated > 0) failures.push(`${repeated} SMS were sent twice`);
    const { published } = await upstream.counts();
    if (published <= outcome('published')) failures.push('the baselines published nothing');
    await Promise.all([daemon, fair, checked, upstream, backEnd].map(({ child }) => child.stop()));
    return [row, { ...withChecks, failures: [...(withChecks.failures ?? []), ...failures] }];
  },
};
