// C10: what a ping and a pairing cost as users and seeds grow, while 10,000 sockets are held and rotated; then what every
// operation costs in a much larger store (large-store.ts). Ours is the larger store, the baseline the smallest: the ratio is that of
// the times.

import type { Bench } from '../bench.ts';
import { type Daemon, loopDelayMs, startDaemon } from '../daemon.ts';
import type { BenchEnvironment } from '../environment.ts';
import { fillStore, pings } from '../fixtures.ts';
import { loadHttp } from '../http-load.ts';
import { residentKb } from '../machine.ts';
import { numberOf } from '../numbers.ts';
import { failuresOf, type PairingResult, startPhones } from '../phones.ts';
import type { Row } from '../report.ts';
import { describeFailures, heldSockets, type SocketClients, startSockets } from '../socket-clients.ts';
import { startUpstream } from '../upstreams.ts';
import { largeStoreRows } from './large-store.ts';

const seeds = 10_000;
/** Phones pair again for existing users, spread over the store. */
const paired = 1_000;

interface Size {
  readonly users: number;
  readonly daemon: Daemon;
  readonly sockets: SocketClients;
  readonly pair: (seconds: number) => Promise<PairingResult>;
  readonly pingMs: number[];
  readonly pairingMs: number[];
  readonly failures: string[];
}

/** The state of the process under full load. */
interface State {
  readonly residentMb: number;
  readonly loopDelayP99Ms: number;
  readonly framesLateP99Ms: number;
}

export const growthBench: Bench = {
  id: 'C10',
  title: 'growth: 100 and 10,000 users with 10,000 sockets, then a store of --users beside one of 2,000',
  run: async (environment) => {
    const counts = environment.quick ? [100, 2_000] : [100, 10_000];
    const upstream = await startUpstream(environment);
    const sizes: Size[] = [];
    for (const users of counts) sizes.push(await prepare(environment, users, upstream.settings.users));
    for (let round = 0; round < environment.rounds; round++) {
      for (const size of sizes) await measure(environment, size);
    }
    const ended: [Size, State][] = [];
    for (const size of sizes) ended.push([size, await end(size)]);
    await upstream.child.stop();
    const [smallest, ...larger] = ended;
    return [
      ...(smallest ? larger.flatMap((size) => rowsOf(smallest, size)) : []),
      ...(await largeStoreRows(environment)),
    ];
  },
};

async function prepare(
  environment: BenchEnvironment,
  users: number,
  settings: readonly string[],
): Promise<Size> {
  environment.reportProgress(`storing ${users} users`);
  const folder = await environment.folder();
  await fillStore(folder, { users, seeds });
  // Active for the whole run, so that none needs pings.
  const daemon = await startDaemon(environment, ['gateway', 'sync'], {
    folder,
    settings: [...settings, ...heldSockets, 'seeds.expiry=1h'],
  });
  const sockets = await startSockets(environment, [daemon.urls.gateway, '-']);
  await sockets.open(environment.quick ? 200 : 10_000);
  const phones = await startPhones(environment, daemon.urls.gateway);
  const everyFew = Math.max(1, Math.floor(users / paired));
  const names = Array.from({ length: Math.min(users, paired) }, (_, index) => numberOf(index * everyFew));
  const size: Size = {
    users,
    daemon,
    sockets,
    pair: (seconds) => phones.pair(seconds, names),
    pingMs: [],
    pairingMs: [],
    failures: [],
  };
  await loadHttp(environment, { url: daemon.urls.gateway, requests: pings(seeds), seconds: 1 });
  await size.pair(environment.seconds);
  // Discards the delays of the preparation.
  await daemon.metrics();
  return size;
}

/** Both are bound by the server's core: its throughput gives the cost of one. */
async function measure(
  environment: BenchEnvironment,
  { daemon, pair, pingMs, pairingMs, failures }: Size,
): Promise<void> {
  const seconds = Math.min(environment.seconds, 2);
  const pinged = await loadHttp(environment, { url: daemon.urls.gateway, requests: pings(seeds), seconds });
  if (pinged.failed > 0) failures.push(`${pinged.failed} pings failed`);
  pingMs.push(1_000 / pinged.perSecond);
  const result = await pair(seconds);
  failures.push(...failuresOf([result]));
  pairingMs.push(1_000 / result.perSecond);
}

async function end({ daemon, sockets, failures }: Size): Promise<State> {
  const metrics = await daemon.metrics();
  const residentMb = residentKb(daemon.child.pid) / 1_024;
  const frames = await sockets.close();
  failures.push(...describeFailures(frames));
  await Promise.all([sockets.child.stop(), daemon.child.stop()]);
  return { residentMb, loopDelayP99Ms: loopDelayMs(metrics, 'p99'), framesLateP99Ms: frames.p99 };
}

function rowsOf([smallest, before]: [Size, State], [size, after]: [Size, State]): Row[] {
  const row = { unit: 'ms', target: { atMost: 1.5 }, failures: [...smallest.failures, ...size.failures] };
  const notes = {
    ...after,
    residentMbOfSmallest: before.residentMb,
    loopDelayP99MsOfSmallest: before.loopDelayP99Ms,
    framesLateP99MsOfSmallest: before.framesLateP99Ms,
  };
  const name = (work: string): string => `C10 ${work}, ${size.users} users beside ${smallest.users}`;
  return [
    { ...row, name: name('ping'), ours: size.pingMs, baseline: smallest.pingMs, notes },
    { ...row, name: name('pairing'), ours: size.pairingMs, baseline: smallest.pairingMs },
  ];
}
