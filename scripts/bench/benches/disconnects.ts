// B6: disconnects with RS256 tokens, beside a bare relay to the same stub PCRF.

import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { disconnectRequests } from '../fixtures.ts';
import { startServer } from '../lab.ts';
import { compareHttp } from '../rounds.ts';
import { startUpstream } from '../upstreams.ts';

/** Calls to the PCRF at once; our default. */
const poolSize = '20';

export const disconnectsBench: Bench = {
  id: 'B6',
  title: 'GET /disconnect, RS256, stub PCRF',
  run: async (lab) => {
    const upstream = await startUpstream(lab);
    const { requests, keyFile } = await disconnectRequests(await lab.folder(), lab.quick ? 500 : 5_000);
    const daemon = await startDaemon(lab, ['disconnect'], {
      settings: [...upstream.settings.pcrf, `validation.public_key=${keyFile}`],
    });
    const relay = await startServer(lab, 'server', 'bare-relay', [upstream.url, poolSize]);
    const row = await compareHttp(
      lab,
      { name: 'B6 disconnect', target: { atLeast: 0.5 } },
      {
        ours: { server: daemon.child, load: () => ({ url: daemon.urls.disconnect, requests }) },
        baseline: { server: relay.child, load: () => ({ url: relay.url, requests }) },
      },
    );
    const { disconnected } = await upstream.counts();
    const faults = [...(row.faults ?? []), ...(disconnected > 0 ? [] : ['the PCRF was never asked'])];
    await Promise.all([daemon.child, relay.child, upstream.child].map((child) => child.stop()));
    return [{ ...row, faults }];
  },
};
