// B4: whole pairings (session, handshake, password), beside the OAEP decrypts that the same core does.

import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { failuresOf, startPhones } from '../phones.ts';
import { withCpu } from '../rounds.ts';
import { median } from '../statistics.ts';
import { startUpstream } from '../upstreams.ts';

export const pairingsBench: Bench = {
  id: 'B4',
  title: 'whole pairings, stub upstream',
  run: async (environment) => {
    const upstream = await startUpstream(environment);
    const daemon = await startDaemon(environment, ['gateway', 'sync'], { settings: upstream.settings.users });
    const phones = await startPhones(environment, daemon.urls.gateway);
    const decrypts = environment.startScript('server', 'decrypts');
    await decrypts.nextLine();

    const users = Array.from({ length: 1_000 }, (_, index) => `user-${index}`);
    const pairings = async (seconds: number) => {
      const { result, cpu } = await withCpu(daemon.child, () => phones.pair(seconds, users));
      return { ...result, cpu };
    };
    const decrypting = async () => {
      const { result: line, cpu } = await withCpu(decrypts, () => {
        decrypts.tell(String(environment.seconds));
        return decrypts.nextLine();
      });
      return { perSecond: Number(JSON.parse(line).perSecond), cpu };
    };
    // The code is compiled fully only after thousands of pairings.
    const warmUp = await pairings(environment.quick ? 1 : 10);
    const ours: Awaited<ReturnType<typeof pairings>>[] = [];
    const baseline: Awaited<ReturnType<typeof decrypting>>[] = [];
    for (let round = 0; round < environment.rounds; round++) {
      ours.push(await pairings(environment.seconds));
      baseline.push(await decrypting());
    }

    await Promise.all([phones, daemon, upstream].map(({ child }) => child.stop()));
    await decrypts.stop();
    return [
      {
        name: 'B4 whole pairing',
        unit: '/s',
        ours: ours.map(({ perSecond }) => perSecond),
        baseline: baseline.map(({ perSecond }) => perSecond),
        target: { atLeast: 0.4 },
        perCpuSecond: {
          ours: ours.map(({ perSecond, cpu }) => perSecond / cpu),
          baseline: baseline.map(({ perSecond, cpu }) => perSecond / cpu),
        },
        failures: failuresOf([warmUp, ...ours]),
        notes: {
          p50Ms: median(ours.map(({ p50 }) => p50)),
          p99Ms: median(ours.map(({ p99 }) => p99)),
          serverCpu: median(ours.map(({ cpu }) => cpu)),
        },
      },
    ];
  },
};
