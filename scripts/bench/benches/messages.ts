// B7: inbound SMS to a stub Publisher, each another, from 1,000 paired users, beside a bare relay of the same bodies.

import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { fillStore, smsRequests } from '../fixtures.ts';
import { startServer } from '../lab.ts';
import { compareHttp } from '../rounds.ts';
import { startBackEnd, startUpstream } from '../upstreams.ts';

const users = 1_000;
/** More than the Publisher gets in a second: no SMS is sent twice. */
const mostPerSecond = 12_000;
/** Connections of our own client of the Publisher. */
const poolSize = '64';

export const messagesBench: Bench = {
  id: 'B7',
  title: 'POST /sms/platform/gateway-client, stub Publisher',
  run: async (lab) => {
    const upstream = await startUpstream(lab);
    const folder = await lab.folder();
    await fillStore(folder, { users });
    const backEnd = await startBackEnd(lab);
    const daemon = await startDaemon(lab, ['gateway', 'sync'], {
      folder,
      settings: [...upstream.settings.publisher, ...backEnd.settings],
    });
    const relay = await startServer(lab, 'server', 'bare-relay', [upstream.url, poolSize]);
    const fresh = (url: string) => () => ({
      url,
      requests: smsRequests(mostPerSecond * lab.seconds, users),
      once: true,
    });
    const row = await compareHttp(
      lab,
      { name: 'B7 inbound SMS', target: { atLeast: 0.4 } },
      {
        ours: { server: daemon.child, load: fresh(daemon.urls.gateway) },
        baseline: {
          server: relay.child,
          // It does not care what it hands on.
          load: () => ({ url: relay.url, requests: smsRequests(1_000, users) }),
        },
      },
    );
    const metrics = await daemon.metrics();
    const outcome = (name: string): number => metrics.get(`swob_publish_total{outcome="${name}"}`) ?? 0;
    const faults = [...(row.faults ?? [])];
    const others = outcome('accepted') + outcome('refused') + outcome('failed');
    if (others > 0 || outcome('published') === 0) {
      faults.push(`${outcome('published')} published, ${others} not`);
    }
    await Promise.all(
      [daemon.child, relay.child, upstream.child, backEnd.child].map((child) => child.stop()),
    );
    return [{ ...row, faults }];
  },
};
