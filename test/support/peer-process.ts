// Which process of this machine has a TCP connection open. Used by default-ports.ts.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The command of the process with this local port at a connection to `remote`; undefined when it has ended, or not on Linux. */
export function commandOfPeer(local: number, remote: number): string | undefined {
  const inode = inodeOf(local, remote);
  const pid = inode === undefined ? undefined : pids().find((each) => hasSocket(each, inode));
  if (pid === undefined) return undefined;
  return attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
    ?.replaceAll('\0', ' ')
    .trim()
    .slice(0, 200);
}

function inodeOf(local: number, remote: number): string | undefined {
  const rows = attempt(() => readFileSync('/proc/net/tcp', 'utf8'))?.split('\n') ?? [];
  const hex = (port: number): string => `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const row = rows
    .map((line) => line.trim().split(/\s+/))
    .find(([, from = '', to = '']) => from.endsWith(hex(local)) && to.endsWith(hex(remote)));
  return row?.[9];
}

function pids(): string[] {
  return (attempt(() => readdirSync('/proc')) ?? []).filter((name) => /^\d+$/.test(name));
}

function hasSocket(pid: string, inode: string): boolean {
  const folder = `/proc/${pid}/fd`;
  const files = attempt(() => readdirSync(folder)) ?? [];
  return files.some((file) => attempt(() => readlinkSync(`${folder}/${file}`)) === `socket:[${inode}]`);
}

/** Processes and their files end at any time. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
