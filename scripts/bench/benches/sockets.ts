// C5: sync sockets held for one rotation: memory of each beside a bare `ws` server, and how late their frames are.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { loopDelayMs, startDaemon } from '../daemon.ts';
import { type BenchEnvironment, startServer } from '../environment.ts';
import { residentKb } from '../machine.ts';
import type { Child } from '../processes.ts';
import { inTurn } from '../rounds.ts';
import {
  describeFailures,
  type Frames,
  heldSockets,
  rotateMs,
  type SocketClients,
  startSockets,
} from '../socket-clients.ts';
import { median } from '../statistics.ts';

/** Until memory needed only for opening is returned. */
const settleMs = 2_000;
/** Sockets opened and closed first, several times, so that one-off allocations are not counted: the new space grows with some thousand requests. */
const warmUp = { sockets: 500, times: 6 };

interface Held extends Frames {
  readonly kbEach: number;
  readonly openedPerSecond: number;
}

interface HeldByDaemon extends Held {
  readonly residentMb: number;
  readonly loopDelayP99Ms: number;
}

export const socketsBench: Bench = {
  id: 'C5',
  title: 'sync sockets, rotation every 15 s',
  run: async (environment) => {
    const count = environment.quick ? 1_000 : 10_000;
    const { ours, baseline } = await inTurn(
      environment.rounds,
      () => holdOurs(environment, count),
      () => holdBare(environment, count),
    );
    const middle = (key: keyof HeldByDaemon): number => median(ours.map((held) => held[key]));
    return [
      {
        name: `C5 memory of ${count} sockets, each`,
        unit: 'kB',
        ours: ours.map(({ kbEach }) => kbEach),
        baseline: baseline.map(({ kbEach }) => kbEach),
        target: { atMost: 1.2 },
        notes: { residentMb: middle('residentMb') },
      },
      {
        name: `C5 frames of ${count} sockets late, p99`,
        unit: 'ms',
        ours: ours.map(({ p99 }) => p99),
        // The delay that the load process adds.
        baseline: baseline.map(({ p99 }) => p99),
        target: { oursAtMost: 50 },
        failures: ours.flatMap((held) => [
          ...describeFailures(held),
          ...(held.frames < count ? [`${held.frames} frames after the first for ${count} sockets`] : []),
        ]),
        notes: {
          openedPerSecond: middle('openedPerSecond'),
          lateP50Ms: middle('p50'),
          lateMaxMs: middle('max'),
          loopDelayP99Ms: middle('loopDelayP99Ms'),
        },
      },
    ];
  },
};

async function holdOurs(environment: BenchEnvironment, count: number): Promise<HeldByDaemon> {
  const daemon = await startDaemon(environment, ['gateway', 'sync'], { settings: heldSockets });
  const sockets = await startSockets(environment, [daemon.urls.gateway, '-']);
  const opened = await open(sockets, daemon.child, count);
  // Discards the delays while they were opened.
  await daemon.metrics();
  await sleep(rotateMs);
  const loopDelayP99Ms = loopDelayMs(await daemon.metrics(), 'p99');
  const residentMb = residentKb(daemon.child.pid) / 1_024;
  const frames = await sockets.close();
  await Promise.all([sockets.child.stop(), daemon.child.stop()]);
  return { ...opened, ...frames, residentMb, loopDelayP99Ms };
}

async function holdBare(environment: BenchEnvironment, count: number): Promise<Held> {
  const { url, child } = await startServer(environment, 'server', 'bare-sockets', [String(rotateMs)]);
  const sockets = await startSockets(environment, ['-', url]);
  const opened = await open(sockets, child, count);
  await sleep(rotateMs);
  const frames = await sockets.close();
  await Promise.all([sockets.child.stop(), child.stop()]);
  return { ...opened, ...frames };
}

/** Opens `count` sockets and measures their memory; a rotation later each has received one more frame. */
async function open(
  sockets: SocketClients,
  server: Child,
  count: number,
): Promise<Pick<Held, 'kbEach' | 'openedPerSecond'>> {
  for (let n = 0; n < warmUp.times; n++) {
    await sockets.open(warmUp.sockets);
    await sockets.close();
  }
  await sleep(settleMs);
  const before = residentKb(server.pid);
  const { perSecond: openedPerSecond } = await sockets.open(count);
  await sleep(settleMs);
  // Not later: memory left from the start would be returned as well, and distort the result.
  return { openedPerSecond, kbEach: (residentKb(server.pid) - before) / count };
}
