// Imported by a daemon before it starts (`node --import`): records its longest turns of the event loop by CPU time, and its longest
// garbage collections, in turns.json of its working folder. Read by benches/tail.ts and benches/pauses.ts.

import { openSync, readSync, renameSync, writeFileSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';

export interface Turn {
  /** When it ended, in microseconds of the clock of V8's profiles. */
  readonly endUs: number;
  readonly wallMs: number;
  /** Of the main thread, so that what other processes take of the core does not count. */
  readonly cpuMs: number;
}

export interface Turns {
  /** The longest first. */
  readonly longest: readonly Turn[];
  readonly turns: number;
  /** Of the longest garbage collection, by the wall clock. */
  readonly gcMs: number;
}

const tickMs = 1;
const kept = 20;

/** Nanoseconds on a core, then what does not matter here. Only Linux has it; elsewhere the wall clock counts. */
const stat = process.platform === 'linux' ? openSync(`/proc/self/task/${process.pid}/schedstat`, 'r') : -1;
const bytes = Buffer.alloc(64);
const space = 0x20;

function cpuMs(): number {
  if (stat < 0) return performance.now();
  // The kernel brings the figure up to date only at a tick, every 4 ms, or when it is asked for the usage of the process.
  process.cpuUsage();
  readSync(stat, bytes, 0, bytes.length, 0);
  return Number(bytes.toString('latin1', 0, bytes.indexOf(space))) / 1e6;
}

let longest: Turn[] = [];
let [turns, gcMs] = [0, 0];
let [wall, cpu] = [performance.now(), cpuMs()];

setInterval(() => {
  const [nextWall, nextCpu] = [performance.now(), cpuMs()];
  const turn = {
    endUs: Number(process.hrtime.bigint() / 1_000n),
    wallMs: nextWall - wall,
    cpuMs: nextCpu - cpu,
  };
  [wall, cpu] = [nextWall, nextCpu];
  turns++;
  if (turn.cpuMs <= (longest[kept - 1]?.cpuMs ?? 0)) return;
  longest = [...longest, turn].sort((a, b) => b.cpuMs - a.cpuMs).slice(0, kept);
}, tickMs).unref();

new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) gcMs = Math.max(gcMs, duration);
}).observe({ entryTypes: ['gc'] });

const write = (): void => {
  const recorded: Turns = { longest, turns, gcMs };
  writeFileSync('turns.json.new', JSON.stringify(recorded));
  renameSync('turns.json.new', 'turns.json');
};

// Writes what it has recorded, and begins anew.
process.on('SIGUSR2', () => {
  write();
  longest = [];
  [turns, gcMs] = [0, 0];
});

// Not `exit`, which a process that ends by the signal does not emit.
process.once('SIGTERM', write);
