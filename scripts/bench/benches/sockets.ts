// B5: sync sockets held for one rotation: memory of each beside a bare `ws` server, and how late their frames are.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { loopDelayMs, startDaemon } from '../daemon.ts';
import { type Lab, startServer } from '../lab.ts';
import { residentKb } from '../machine.ts';
import type { Child } from '../processes.ts';
import { inTurn } from '../rounds.ts';
import {
  type Frames,
  faultsOf,
  heldSockets,
  rotateMs,
  type SocketClients,
  startSockets,
} from '../socket-clients.ts';
import { median } from '../statistics.ts';

/** Until memory that was needed for the opening only has been given back. */
const settleMs = 2_000;
/** Sockets that are opened and closed first: what a process needs once is not a socket's. */
const warmUp = 500;

interface Held extends Frames {
  readonly kbEach: number;
  readonly openedPerSecond: number;
}

interface HeldByDaemon extends Held {
  readonly residentMb: number;
  readonly loopDelayP99Ms: number;
}

export const socketsBench: Bench = {
  id: 'B5',
  title: 'sync sockets, rotation every 15 s',
  run: async (lab) => {
    const count = lab.quick ? 1_000 : 10_000;
    const { ours, baseline } = await inTurn(
      lab.rounds,
      () => holdOurs(lab, count),
      () => holdBare(lab, count),
    );
    const middle = (key: keyof HeldByDaemon): number => median(ours.map((held) => held[key]));
    return [
      {
        name: `B5 memory of ${count} sockets, each`,
        unit: 'kB',
        ours: ours.map(({ kbEach }) => kbEach),
        baseline: baseline.map(({ kbEach }) => kbEach),
        target: { atMost: 1.5 },
        notes: { residentMb: middle('residentMb') },
      },
      {
        name: `B5 frames of ${count} sockets late, p99`,
        unit: 'ms',
        ours: ours.map(({ p99 }) => p99),
        // What the load itself adds.
        baseline: baseline.map(({ p99 }) => p99),
        target: { oursAtMost: 100 },
        faults: ours.flatMap((held) => [
          ...faultsOf(held),
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

async function holdOurs(lab: Lab, count: number): Promise<HeldByDaemon> {
  const daemon = await startDaemon(lab, ['gateway', 'sync'], { settings: heldSockets });
  const sockets = await startSockets(lab, [daemon.urls.gateway, '-']);
  const opened = await open(sockets, daemon.child, count);
  // How late the loop was while they were opened is not meant.
  await daemon.metrics();
  await sleep(rotateMs);
  const loopDelayP99Ms = loopDelayMs(await daemon.metrics(), 'p99');
  const residentMb = residentKb(daemon.child.pid) / 1_024;
  const frames = await sockets.close();
  await Promise.all([sockets.child.stop(), daemon.child.stop()]);
  return { ...opened, ...frames, residentMb, loopDelayP99Ms };
}

async function holdBare(lab: Lab, count: number): Promise<Held> {
  const { url, child } = await startServer(lab, 'server', 'bare-sockets', [String(rotateMs)]);
  const sockets = await startSockets(lab, ['-', url]);
  const opened = await open(sockets, child, count);
  await sleep(rotateMs);
  const frames = await sockets.close();
  await Promise.all([sockets.child.stop(), child.stop()]);
  return { ...opened, ...frames };
}

/** Opens so many and takes their memory; a rotation later each has had one more frame. */
async function open(
  sockets: SocketClients,
  server: Child,
  count: number,
): Promise<Pick<Held, 'kbEach' | 'openedPerSecond'>> {
  await sockets.open(warmUp);
  await sockets.close();
  await sleep(settleMs);
  const before = residentKb(server.pid);
  const { perSecond: openedPerSecond } = await sockets.open(count);
  await sleep(settleMs);
  // Not later: what the start left behind is given back one day, too, and would be taken off.
  return { openedPerSecond, kbEach: (residentKb(server.pid) - before) / count };
}
