// The machine: which cores there are, how to keep them awake and a process on one, and what /proc says of a process. Used
// by lab.ts.

import { spawnSync } from 'node:child_process';
import { openSync, readFileSync, writeSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/** What is measured, and what measures and stands around it. */
export type Role = 'server' | 'load';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMb: number;
  readonly node: string;
  /** Whether the two roles have cores of their own. */
  readonly pinned: boolean;
  /** Whether idle cores wait awake. */
  readonly awake: boolean;
  /** The command line that runs `command` where its role belongs. */
  place(role: Role, command: string, args: readonly string[]): readonly [string, readonly string[]];
}

/** The first core that we may use is the server's and all others are the load's; with one core nothing is pinned. */
export function lookAtMachine(): Machine {
  const allowed = allowedCores();
  const [first, ...others] = allowed;
  const list = { server: String(first), load: others.join(',') };
  const pinned =
    others.length > 0 && spawnSync('taskset', ['-c', list.server, 'true'], { stdio: 'ignore' }).status === 0;
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

/** `0-3,8` as numbers; none where there is no /proc. */
function allowedCores(): number[] {
  const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)/m.exec(read('/proc/self/status')) ?? [];
  return list.split(',').flatMap((part) => {
    const [from = Number.NaN, to = from] = part.split('-').map(Number);
    return Number.isInteger(from) ? Array.from({ length: to - from + 1 }, (_, index) => from + index) : [];
  });
}

/** Resident memory in kB; NaN where there is no /proc, or no such process any more. */
export function residentKb(pid: number): number {
  return Number(/^VmRSS:\s*(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1]);
}

/** Seconds of CPU that a process and all its threads have had; NaN where there is no /proc. */
export function cpuSeconds(pid: number): number {
  // The second field is a name in brackets, which may hold spaces.
  const fields = read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
  const ticksPerSecond = 100;
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/**
 * Has idle cores wait instead of sleep until this process ends, by Linux' "PM QoS". Waking a core costs more than answering
 * a request in many virtual machines, and a server would pay it whenever its client has nothing to do.
 * @returns whether it could be had
 */
function keepCoresAwake(): boolean {
  try {
    // The kernel takes it back when the file is closed.
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
