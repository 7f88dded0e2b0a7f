// Requirements of tests on the machine. A test without them is skipped with a reason, but fails under CI=true.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { TestContext } from 'vitest';

/** Debian's own: its packages are not for any other python on the PATH. */
export const python = '/usr/bin/python3';

export type Need =
  | { readonly command: string }
  /** A module of Debian's Python. */
  | { readonly module: string }
  /** The right to mount a file system. */
  | { readonly mounts: true }
  /** The rights of root. */
  | { readonly root: true }
  /** Linux's loopback network: every 127.x.y.z is this machine. */
  | { readonly loopbackNetwork: true }
  /** ::1 is this machine. */
  | { readonly ipv6: true }
  /** Enough open files for this many connections. */
  | { readonly acceptQueue: number };

/** Skips the test, or fails it under CI=true, unless everything is there. */
export function needs(context: TestContext, ...all: readonly Need[]): void {
  const missing = all.flatMap((need) => problemOf(need) ?? []);
  if (missing.length === 0) return;
  const reason = `missing on this machine: ${missing.join(', ')}`;
  if (process.env.CI === 'true') throw new Error(reason);
  context.skip(reason);
}

/** Whether all requirements are met: for what a file of tests starts once, before its tests. */
export function present(...all: readonly Need[]): boolean {
  return all.every((need) => problemOf(need) === undefined);
}

function problemOf(need: Need): string | undefined {
  if ('command' in need)
    return succeeds('sh', ['-c', 'command -v "$0"', need.command]) ? undefined : need.command;
  if ('module' in need) {
    return succeeds(python, ['-c', `import ${need.module}`])
      ? undefined
      : `${python} -c 'import ${need.module}'`;
  }
  if ('loopbackNetwork' in need)
    return process.platform === 'linux' ? undefined : 'addresses such as 127.0.0.2';
  if ('ipv6' in need) {
    const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    return all.some(({ address }) => address === '::1') ? undefined : 'the address ::1';
  }
  if ('root' in need) return process.getuid?.() === 0 ? undefined : 'the rights of root';
  if ('acceptQueue' in need) {
    const max =
      process.platform === 'linux' ? Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8')) : 0;
    return max >= need.acceptQueue ? undefined : `net.core.somaxconn of ${need.acceptQueue}`;
  }
  // In a separate mount namespace, which ends with the command.
  return succeeds('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'])
    ? undefined
    : 'the right to mount';
}

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 120_000 }).status === 0;
}
