// B5: sync sockets with rotation: memory of each beside a bare `ws` server, and how late their frames are.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import { type Lab, startServer } from '../lab.ts';
import { residentKb } from '../machine.ts';
import type { Child } from '../processes.ts';
import { inTurn } from '../rounds.ts';
import { heldSockets, rotateMs, type SocketClients, startSockets } from '../socket-clients.ts';

/** Until memory that was needed for the opening only has been given back. */
const settleMs = 2_000;
/** Sockets that are opened and closed first: what a process needs once is not a socket's. */
const warmUp = 500;

export const socketsBench: Bench = {
  id: 'B5',
  title: 'sync sockets, rotation every 15 s',
  run: async (lab) => {
    const count = lab.quick ? 1_000 : 10_000;
    const { ours, baseline } = await inTurn(
      lab.rounds,
      () => memoryOfOurs(lab, count),
      () => memoryOfBare(lab, count),
    );
    const held = await rotation(lab, count);
    return [
      {
        name: `B5 memory of ${count} sockets, each`,
        unit: 'kB',
        ours,
        baseline,
        target: { atMost: 1.5 },
      },
      held,
    ];
  },
};

async function memoryOfOurs(lab: Lab, count: number): Promise<number> {
  const daemon = await startForSockets(lab);
  const sockets = await startSockets(lab, [daemon.urls.gateway, '-']);
  const kb = await memoryOfEach(sockets, daemon.child, count);
  await Promise.all([sockets.child.stop(), daemon.child.stop()]);
  return kb;
}

async function memoryOfBare(lab: Lab, count: number): Promise<number> {
  const { url, child } = await startServer(lab, 'server', 'bare-sockets', [String(rotateMs)]);
  const sockets = await startSockets(lab, ['-', url]);
  const kb = await memoryOfEach(sockets, child, count);
  await Promise.all([sockets.child.stop(), child.stop()]);
  return kb;
}

async function memoryOfEach(sockets: SocketClients, server: Child, count: number): Promise<number> {
  await sockets.open(warmUp);
  await sockets.close();
  await sleep(settleMs);
  const before = residentKb(server.pid);
  await sockets.open(count);
  await sleep(settleMs);
  return (residentKb(server.pid) - before) / count;
}

/** Holds the sockets for two rotations (one when quick); the baseline, which shows what the load itself adds, for one. */
async function rotation(lab: Lab, count: number) {
  const wait = (times: number): Promise<void> => sleep(times * rotateMs + 1_500);
  const daemon = await startForSockets(lab);
  const sockets = await startSockets(lab, [daemon.urls.gateway, '-']);
  const opened = await sockets.open(count);
  await daemon.metrics();
  await wait(lab.quick ? 1 : 2);
  const metrics = await daemon.metrics();
  const ours = await sockets.close();
  const residentMb = residentKb(daemon.child.pid) / 1_024;
  await Promise.all([sockets.child.stop(), daemon.child.stop()]);

  const bare = await startServer(lab, 'server', 'bare-sockets', [String(rotateMs)]);
  const bareSockets = await startSockets(lab, ['-', bare.url]);
  await bareSockets.open(count);
  await wait(1);
  const baseline = await bareSockets.close();
  await Promise.all([bareSockets.child.stop(), bare.child.stop()]);

  const faults = [
    ...(ours.lost > 0 ? [`${ours.lost} frames were lost`] : []),
    ...(ours.dropped > 0 ? [`${ours.dropped} sockets were closed`] : []),
    ...(ours.frames < count ? [`${ours.frames} frames after the first for ${count} sockets`] : []),
  ];
  return {
    name: `B5 frames of ${count} sockets late, p99`,
    unit: 'ms',
    ours: [ours.p99],
    baseline: [baseline.p99],
    target: { oursAtMost: 100 },
    faults,
    notes: {
      openedPerSecond: opened.perSecond,
      frames: ours.frames,
      lateP50Ms: ours.p50,
      lateMaxMs: ours.max,
      residentMb,
      loopDelayP99Ms: 1_000 * (metrics.get('swob_event_loop_delay_seconds{stat="p99"}') ?? Number.NaN),
    },
  };
}

function startForSockets(lab: Lab): Promise<Daemon> {
  return startDaemon(lab, ['gateway', 'sync'], { settings: heldSockets });
}
