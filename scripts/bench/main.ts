// `npm run bench`: measures the built binary beside programs that do the same work, and prints a table. Arguments: names of
// benches (C1 … C12, all by default) or `soak`; --quick, --rounds, --seconds, --json FILE, --cpu-prof FOLDER, --redis (the
// store of every daemon there), --users NUMBER for C10, --old FOLDER for C12, --minutes and --svg FILE for the soak.
// docs/performance.md.

import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench } from './bench.ts';
import { disconnectsBench } from './benches/disconnects.ts';
import { growthBench } from './benches/growth.ts';
import { listsBench } from './benches/lists.ts';
import { memoryBench } from './benches/memory.ts';
import { messagesBench } from './benches/messages.ts';
import { pairingsBench } from './benches/pairings.ts';
import { pingsBench } from './benches/pings.ts';
import { replacedBench } from './benches/replaced.ts';
import { sessionsBench } from './benches/sessions.ts';
import { sharedBench } from './benches/shared.ts';
import { socketsBench } from './benches/sockets.ts';
import { startsBench } from './benches/starts.ts';
import { type BenchEnvironment, createBenchEnvironment, root } from './environment.ts';
import { connections, httpDriver } from './http-load.ts';
import { profileLines } from './profile-summary.ts';
import { startRedis } from './redis.ts';
import { judge, table, type Verdict } from './report.ts';
import { runSoak } from './soak.ts';

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
];

interface Results {
  readonly rows: readonly Verdict[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    minutes: { type: 'string' },
    redis: { type: 'boolean', default: false },
    users: { type: 'string' },
    old: { type: 'string' },
    svg: { type: 'string', default: join(root, 'docs', 'soak.svg') },
    'cpu-prof': { type: 'string' },
    json: { type: 'string', default: join(root, 'bench-results.json') },
  },
});

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Throws an Error for the command line. */
function parsePositive(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new Error(`--${name}: expected a number above 0`);
}

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
  done: (results: Results) => Promise<void>,
): Promise<Results> {
  const rows: Verdict[] = [];
  for (const bench of wanted) {
    say(`${bench.id}: ${bench.title}`);
    const profiles = environment.profiles === undefined ? undefined : join(environment.profiles, bench.id);
    rows.push(...(await bench.run({ ...environment, profiles })).map(judge));
    if (profiles !== undefined) for (const line of profileLines(profiles)) say(`${bench.id} ${line}`);
    await done({ rows });
  }
  return { rows };
}

async function main(): Promise<void> {
  const names = positionals.map((name) => (name === 'soak' ? name : name.toUpperCase()));
  const soaks = names.includes('soak');
  if (soaks && names.length > 1) throw new Error('soak runs alone');
  const wanted = soaks ? [] : selectBenches(names);
  const rounds = parsePositive('rounds', values.rounds, values.quick ? 2 : 5);
  const seconds = parsePositive('seconds', values.seconds, values.quick ? 1 : 4);
  const minutes = parsePositive('minutes', values.minutes, 10);
  const users = parsePositive('users', values.users, 100_000);

  const profiles = values['cpu-prof'] === undefined ? undefined : resolve(values['cpu-prof']);
  const old = values.old === undefined ? undefined : resolve(values.old);
  const [loadBefore = 0] = loadavg();
  const own = await createBenchEnvironment(
    { rounds, seconds, quick: values.quick, profiles, users, old },
    say,
  );
  const environment = values.redis ? { ...own, storeUrl: (await startRedis(own)).url } : own;
  const stopped = (signal: NodeJS.Signals): void => {
    void environment.close().finally(() => process.kill(process.pid, signal));
  };
  process.once('SIGINT', stopped).once('SIGTERM', stopped);
  try {
    const { place: _, ...machine } = environment.machine;
    const effort = { rounds, seconds, quick: values.quick, connections, driver: httpDriver() };
    const file = resolve(values.json);
    const write = (results: Results): Promise<void> => {
      const loads = { loadBefore, loadAfter: loadavg()[0] };
      const all = { at: new Date().toISOString(), machine, ...effort, ...loads, ...results };
      return writeFile(file, `${JSON.stringify(all, null, 2)}\n`);
    };
    const results = soaks
      ? await runSoak(environment, minutes, resolve(values.svg))
      : await runBenches(environment, wanted, write);
    await write(results);
    process.stdout.write(`${table(results.rows)}\n`);
    say(
      `load average of the machine before and after: ${loadBefore.toFixed(1)}, ${(loadavg()[0] ?? 0).toFixed(1)}`,
    );
    say(`written: ${file}`);
  } finally {
    await environment.close();
  }
}

main().catch((error: unknown) => {
  say(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
