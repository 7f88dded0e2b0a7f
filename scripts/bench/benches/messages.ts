// B7: inbound SMS to a stub Publisher, each another, from 1,000 paired users, beside a bare relay of the same bodies.

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
  id: 'B7',
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
    const relay = await startServer(environment, 'server', 'bare-relay', [upstream.url, poolSize]);
    const fresh = (url: string) => () => ({
      url,
      requests: smsRequests(maxPerSecond * environment.seconds, users),
      once: true,
    });
    const row = await compareHttp(
      environment,
      { name: 'B7 inbound SMS', target: { atLeast: 0.4 } },
      {
        ours: { server: daemon.child, load: fresh(daemon.urls.gateway) },
        baseline: {
          server: relay.child,
          // The relay does not inspect the body.
          load: () => ({ url: relay.url, requests: smsRequests(1_000, users) }),
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
    await Promise.all(
      [daemon.child, relay.child, upstream.child, backEnd.child].map((child) => child.stop()),
    );
    return [{ ...row, failures }];
  },
};
