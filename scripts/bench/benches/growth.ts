// B10: what a ping and a pairing cost as users and seeds grow. Ours is the larger store, the baseline the smallest: the
// ratio is that of the times.

import type { Bench } from '../bench.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import { fillStore, numberOf, pings } from '../fixtures.ts';
import { loadHttp } from '../http-load.ts';
import type { Lab } from '../lab.ts';
import { residentKb } from '../machine.ts';
import { failuresOf, type PairingResult, startPhones } from '../phones.ts';
import type { Row } from '../report.ts';
import { startUpstream } from '../upstreams.ts';

const seeds = 10_000;
/** Phones pair again for users that are there, all over the store. */
const paired = 1_000;

interface Size {
  readonly users: number;
  readonly daemon: Daemon;
  readonly pair: (seconds: number) => Promise<PairingResult>;
  readonly pingMs: number[];
  readonly pairingMs: number[];
  readonly faults: string[];
}

export const growthBench: Bench = {
  id: 'B10',
  title: 'a ping and a pairing at 100, 10,000 and 100,000 users, 10,000 active seeds',
  run: async (lab) => {
    const counts = lab.quick ? [100, 2_000] : [100, 10_000, 100_000];
    const upstream = await startUpstream(lab);
    const sizes: Size[] = [];
    for (const users of counts) sizes.push(await prepare(lab, users, upstream.settings.users));
    for (let round = 0; round < lab.rounds; round++) {
      for (const size of sizes) await measure(lab, size);
    }
    const [smallest, ...larger] = sizes;
    const rows = smallest ? await Promise.all(larger.map((size) => rowsOf(smallest, size))) : [];
    await Promise.all(sizes.map(({ daemon }) => daemon.child.stop()));
    await upstream.child.stop();
    return rows.flat();
  },
};

async function prepare(lab: Lab, users: number, settings: readonly string[]): Promise<Size> {
  lab.say(`storing ${users} users`);
  const folder = await lab.folder();
  await fillStore(folder, { users, seeds });
  // Active for the whole run, so that none has to be kept alive.
  const daemon = await startDaemon(lab, ['gateway', 'sync'], {
    folder,
    settings: [...settings, 'seeds.expiry=1h'],
  });
  const phones = await startPhones(lab, daemon.urls.gateway);
  const everyFew = Math.max(1, Math.floor(users / paired));
  const names = Array.from({ length: Math.min(users, paired) }, (_, index) => numberOf(index * everyFew));
  const size: Size = {
    users,
    daemon,
    pair: (seconds) => phones.pair(seconds, names),
    pingMs: [],
    pairingMs: [],
    faults: [],
  };
  await loadHttp(lab, { url: daemon.urls.gateway, requests: pings(seeds), seconds: 1 });
  await size.pair(lab.seconds);
  return size;
}

/** Both are bound by the one core of the server: what it does in a second is the cost of one. */
async function measure(lab: Lab, { daemon, pair, pingMs, pairingMs, faults }: Size): Promise<void> {
  const seconds = Math.min(lab.seconds, 2);
  const pinged = await loadHttp(lab, { url: daemon.urls.gateway, requests: pings(seeds), seconds });
  if (pinged.failed > 0) faults.push(`${pinged.failed} pings failed`);
  pingMs.push(1_000 / pinged.perSecond);
  const result = await pair(seconds);
  faults.push(...failuresOf([result]));
  pairingMs.push(1_000 / result.perSecond);
}

async function rowsOf(smallest: Size, size: Size): Promise<Row[]> {
  const metrics = await size.daemon.metrics();
  const row = { unit: 'ms', target: { atMost: 1.5 }, faults: size.faults };
  const notes = {
    residentMb: residentKb(size.daemon.child.pid) / 1_024,
    residentMbOfSmallest: residentKb(smallest.daemon.child.pid) / 1_024,
    loopDelayP99Ms: 1_000 * (metrics.get('swob_event_loop_delay_seconds{stat="p99"}') ?? Number.NaN),
  };
  const name = (work: string): string => `B10 ${work}, ${size.users} users beside ${smallest.users}`;
  return [
    { ...row, name: name('ping'), ours: size.pingMs, baseline: smallest.pingMs, notes },
    { ...row, name: name('pairing'), ours: size.pairingMs, baseline: smallest.pairingMs, notes },
  ];
}
