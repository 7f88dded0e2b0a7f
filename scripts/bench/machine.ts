// The machine: which cores there are, how to keep them awake and a process on one, and what /proc says of a process. Used
// by environment.ts.

import { spawnSync } from 'node:child_process';
import { openSync, readFileSync, writeSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/** `server` is measured; `load` generates the load and stubs other systems. */
export type Role = 'server' | 'load';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMb: number;
  readonly node: string;
  /** Whether the two roles run on separate cores. */
  readonly pinned: boolean;
  /** Whether idle cores are kept awake. */
  readonly awake: boolean;
  /** The command line that runs `command` on the cores of its role. */
  place(role: Role, command: string, args: readonly string[]): readonly [string, readonly string[]];
}

/** The first available core is the server's, all others are the load's; with one core, or without `pin`, nothing is pinned. */
export function inspectMachine(pin: boolean): Machine {
  const allowed = allowedCores();
  const [first, ...others] = allowed;
  const list = { server: String(first), load: others.join(',') };
  const pinned =
    pin &&
    others.length > 0 &&
    spawnSync('taskset', ['-c', list.server, 'true'], { stdio: 'ignore' }).status === 0;
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: Math.max(1, allowed.length),
    memoryMb: Math.round(totalmem() / 1024 / 1024),
    node: process.version,
    pinned,
    awake: keepCoresAwake(),
    place: (role, command, args) =>
      pinned ? ['taskset', ['-c', list[role], command, ...args]] : [command, args],
  };
}

/** Parses `0-3,8`; empty without /proc. */
function allowedCores(): number[] {
  const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)/m.exec(read('/proc/self/status')) ?? [];
  return list.split(',').flatMap((part) => {
    const [from = Number.NaN, to = from] = part.split('-').map(Number);
    return Number.isInteger(from) ? Array.from({ length: to - from + 1 }, (_, index) => from + index) : [];
  });
}

/** Resident memory in kB; NaN without /proc, or when the process has ended. */
export function residentKb(pid: number): number {
  return Number(/^VmRSS:\s*(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1]);
}

/** What a folder takes on disk, in MB; NaN without `du`. */
export function diskMb(folder: string): number {
  const { stdout } = spawnSync('du', ['-sm', folder], { encoding: 'utf8' });
  return Number(/^\d+/.exec(stdout ?? '')?.[0]);
}

/** The processes that a process has started and that still run. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

/** CPU seconds of a process with all its threads; NaN without /proc. */
export function cpuSeconds(pid: number): number {
  // The second field is a name in brackets, which may contain spaces.
  const fields = read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
  const ticksPerSecond = 100;
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/**
 * Keeps idle cores from sleeping until this process ends, by Linux' "PM QoS". In many virtual machines waking a core costs
 * more than answering a request, and a server would pay for it whenever its client pauses.
 * @returns whether the system allowed it
 */
function keepCoresAwake(): boolean {
  try {
    // The kernel ends it when the file is closed.
    const file = openSync('/dev/cpu_dma_latency', 'r+');
    return writeSync(file, new Int32Array([0])) > 0;
  } catch {
    return false;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
