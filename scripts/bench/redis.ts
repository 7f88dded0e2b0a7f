// A redis-server for benchmarks with a shared store. Used by C11.

import { spawnSync } from 'node:child_process';
import type { BenchEnvironment } from './environment.ts';
import { freePort } from './free-port.ts';
import type { Child } from './processes.ts';

export interface BenchRedis {
  readonly child: Child;
  /** `redis://127.0.0.1:40001` */
  readonly url: string;
}

export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Configured as docs/many-machines.md recommends: acknowledged writes are on disk within a second. */
export async function startRedis(environment: BenchEnvironment): Promise<BenchRedis> {
  const port = await freePort();
  const files = [
    '--dir',
    await environment.folder(),
    '--appendonly',
    'yes',
    '--appendfsync',
    'everysec',
    '--save',
    '',
  ];
  const child = environment.startProgram('redis-server', [
    '--bind',
    '127.0.0.1',
    '--port',
    String(port),
    ...files,
  ]);
  while (!(await child.nextLine()).includes('Ready to accept connections'));
  return { child, url: `redis://127.0.0.1:${port}` };
}
