// `npm run bench`: measures the built binary beside programs that do the same work, and prints a table. Arguments: names of
// benches (C1 … C14, all by default) or `soak`, and the options of options.ts. docs/performance.md.

import { rename, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { disconnectsBench } from './benches/disconnects.ts';
import { growthBench } from './benches/growth.ts';
import { listsBench } from './benches/lists.ts';
import { memoryBench } from './benches/memory.ts';
import { messagesBench } from './benches/messages.ts';
import { pairingsBench } from './benches/pairings.ts';
import { pausesBench } from './benches/pauses.ts';
import { pingsBench } from './benches/pings.ts';
import { replacedBench } from './benches/replaced.ts';
import { sessionsBench } from './benches/sessions.ts';
import { sharedBench } from './benches/shared.ts';
import { socketsBench } from './benches/sockets.ts';
import { startsBench } from './benches/starts.ts';
import { tailBench } from './benches/tail.ts';
import { type BenchEnvironment, createBenchEnvironment } from './environment.ts';
import { inspectNode, runFresh } from './fresh-rounds.ts';
import { connections, httpDriver } from './http-load.ts';
import { parseOptions, usage } from './options.ts';
import { profileLines } from './profile-summary.ts';
import { startRedis } from './redis.ts';
import { judge, legend, type Row, table, type Verdict } from './report.ts';
import { endBySignal, onStop } from './signals.ts';
import { runSoak } from './soak/soak.ts';

const benches: readonly Bench[] = [
  pingsBench,
  listsBench,
  sessionsBench,
  pairingsBench,
  socketsBench,
  disconnectsBench,
  messagesBench,
  startsBench,
  memoryBench,
  growthBench,
  sharedBench,
  replacedBench,
  tailBench,
  pausesBench,
];

interface Results {
  readonly rows: readonly Verdict[];
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);

function selectBenches(names: readonly string[]): readonly Bench[] {
  const unknown = names.filter((name) => !benches.some(({ id }) => id === name));
  if (unknown.length > 0) {
    throw new Error(
      `no such bench: ${unknown.join(', ')}; there are ${benches.map(({ id }) => id).join(', ')}, soak`,
    );
  }
  return names.length === 0 ? benches : benches.filter(({ id }) => names.includes(id));
}

/** Calls `done` after each benchmark with all rows so far, so that an interrupted run keeps its results. */
async function runBenches(
  environment: BenchEnvironment,
  wanted: readonly Bench[],
  run: (bench: Bench, environment: BenchEnvironment) => Promise<Row[]>,
  done: (results: Results) => Promise<void>,
): Promise<Results> {
  const rows: Verdict[] = [];
  for (const bench of wanted) {
    say(`${bench.id}: ${bench.title}`);
    const profiles = environment.profiles === undefined ? undefined : join(environment.profiles, bench.id);
    rows.push(...(await run(bench, { ...environment, profiles })).map(judge));
    if (profiles !== undefined) for (const line of profileLines(profiles)) say(`${bench.id} ${line}`);
    await done({ rows });
  }
  return { rows };
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) return void process.stdout.write(`${usage}\n`);
  const { rounds, seconds, quick, jsonFile } = options;
  const wanted = options.soak ? [] : selectBenches(options.names);
  const nodes = options.nodes.map(inspectNode);
  const [loadBefore = 0] = loadavg();
  const own = await createBenchEnvironment({ ...options, pin: !options.soak }, say);
  const endNow = endBySignal(own);
  const stopped = new Promise((resolve) => onStop(options.soak ? resolve : endNow, endNow));
  try {
    const environment = {
      ...own,
      ...(nodes[0] && own.onNode(nodes[0].path)),
      ...(options.redis && { storeUrl: (await startRedis(own)).url }),
    };
    const run = (bench: Bench, its: BenchEnvironment): Promise<Row[]> =>
      options.fresh || nodes.length > 1 ? runFresh(bench, its, nodes) : bench.run(its);
    const { place: _, ...machine } = environment.machine;
    const effort = { rounds, seconds, quick, connections, driver: httpDriver() };
    const save = async (results: Results): Promise<void> => {
      const loads = { loadBefore, loadAfter: loadavg()[0] };
      const all = { at: new Date().toISOString(), machine, nodes, ...effort, ...loads, ...results };
      await writeFile(`${jsonFile}.new`, `${JSON.stringify(all, null, 2)}\n`);
      await rename(`${jsonFile}.new`, jsonFile);
    };
    const results = options.soak
      ? await runSoak(environment, { options, stopped, save })
      : await runBenches(environment, wanted, run, save);
    if (wanted.length > 0) await save(results);
    process.stdout.write(`${table(results.rows)}\n`);
    if (!options.soak) say(legend);
    say(
      `load average of the machine before and after: ${loadBefore.toFixed(1)}, ${(loadavg()[0] ?? 0).toFixed(1)}`,
    );
    say(`written: ${jsonFile}`);
    if (options.soak && results.rows.some(({ ok }) => ok !== true)) process.exitCode = 1;
  } finally {
    await own.close();
  }
}

main().catch((error: unknown) => {
  say(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
