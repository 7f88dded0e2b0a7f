// C4: whole pairings (session, handshake, password), beside a server of fastify that does the same with a durable line.

import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { startServer } from '../environment.ts';
import { failuresOf, type Phones, startPhones } from '../phones.ts';
import type { Child } from '../processes.ts';
import { inTurn, withCpu } from '../rounds.ts';
import { median } from '../statistics.ts';
import { startUpstream } from '../upstreams.ts';

const users = Array.from({ length: 1_000 }, (_, index) => `user-${index}`);

export const pairingsBench: Bench = {
  id: 'C4',
  title: 'whole pairings, stub upstream',
  run: async (environment) => {
    const upstream = await startUpstream(environment);
    const daemon = await startDaemon(environment, ['gateway', 'sync'], { settings: upstream.settings.users });
    const fair = await startServer(environment, 'server', 'fair-pairings', [
      upstream.url,
      join(await environment.folder(), 'pairings'),
    ]);
    const phones = await startPhones(environment, daemon.urls.gateway);
    const fairPhones = await startPhones(environment, fair.url);

    // The code is compiled fully only after thousands of pairings.
    const warmUpSeconds = environment.quick ? 1 : 10;
    const warmUp = await inTurn(
      1,
      () => pairAll(phones, daemon.child, warmUpSeconds),
      () => pairAll(fairPhones, fair.child, warmUpSeconds),
    );
    const { ours, baseline } = await inTurn(
      environment.rounds,
      () => pairAll(phones, daemon.child, environment.seconds),
      () => pairAll(fairPhones, fair.child, environment.seconds),
    );

    await Promise.all([phones, fairPhones, daemon, fair, upstream].map(({ child }) => child.stop()));
    return [
      {
        name: 'C4 whole pairing',
        unit: '/s',
        ours: ours.map(({ perSecond }) => perSecond),
        baseline: baseline.map(({ perSecond }) => perSecond),
        target: { atLeast: 0.5 },
        perCpuSecond: {
          ours: ours.map(({ perCpuSecond }) => perCpuSecond),
          baseline: baseline.map(({ perCpuSecond }) => perCpuSecond),
        },
        failures: failuresOf([...warmUp.ours, ...warmUp.baseline, ...ours, ...baseline]),
        notes: {
          p50Ms: median(ours.map(({ p50 }) => p50)),
          p99Ms: median(ours.map(({ p99 }) => p99)),
          serverCpu: median(ours.map(({ cpu }) => cpu)),
          baselineP50Ms: median(baseline.map(({ p50 }) => p50)),
          baselineP99Ms: median(baseline.map(({ p99 }) => p99)),
          baselineCpu: median(baseline.map(({ cpu }) => cpu)),
        },
      },
    ];
  },
};

function pairAll(phones: Phones, server: Child, seconds: number) {
  return withCpu(server, () => phones.pair(seconds, users));
}
