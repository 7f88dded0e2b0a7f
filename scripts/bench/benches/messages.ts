// C7: inbound SMS to a stub Publisher, each another, from 1,000 paired users, beside a server of
// fastify that decrypts, publishes, and syncs a receipt.

import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { startServer } from '../environment.ts';
import { fillStore, smsRequests } from '../fixtures.ts';
import { compareHttp } from '../rounds.ts';
import { startDeveloperApi, startUpstream } from '../upstreams.ts';

const users = 1_000;
/** More than the Publisher receives a second, so that no SMS is sent twice. */
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
    const backEnd = await startDeveloperApi(environment);
    const daemon = await startDaemon(environment, ['gateway', 'sync'], {
      folder,
      settings: [...upstream.settings.publisher, ...backEnd.settings],
    });
    const fair = await startServer(environment, 'server', 'fair-messages', [
      upstream.url,
      poolSize,
      join(folder, 'receipts-of-baseline'),
      String(users),
    ]);
    const fresh = (url: string) => () => ({
      url,
      requests: smsRequests(maxPerSecond * environment.seconds, users),
      once: true,
    });
    const row = await compareHttp(
      environment,
      { name: 'C7 inbound SMS', target: { atLeast: 0.6 } },
      {
        ours: { server: daemon.child, load: fresh(daemon.urls.gateway) },
        baseline: {
          server: fair.child,
          // It keeps no receipts in memory, so that it publishes a repeated SMS again.
          load: () => ({ url: fair.url, requests: smsRequests(1_000, users) }),
        },
      },
    );
    const metrics = await daemon.metrics();
    const outcome = (name: string): number => metrics.get(`swob_inbound_sms_total{outcome="${name}"}`) ?? 0;
    const failures = [...(row.failures ?? [])];
    const others = outcome('accepted') + outcome('refused') + outcome('failed');
    if (others > 0 || outcome('published') === 0) {
      failures.push(`${outcome('published')} published, ${others} not`);
    }
    const { published } = await upstream.counts();
    if (published <= outcome('published')) failures.push('the baseline published nothing');
    await Promise.all([daemon.child, fair.child, upstream.child, backEnd.child].map((child) => child.stop()));
    return [{ ...row, failures }];
  },
};
