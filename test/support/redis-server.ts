// One real redis-server on a free port of 127.0.0.1, with its data in a temporary folder, ended by its pid.
// Used by redis.ts, redis-sentinel.ts and redis-cluster.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { type MadeCertificate, makeCertificate } from './certificates.ts';
import { endChild } from './children.ts';
import type { Need } from './needs.ts';
import { patient } from './patience.ts';
import { freePorts } from './ports.ts';
import { callRedis } from './redis-call.ts';

/** The second one runs commands of the documentation. */
export const redisNeeds: readonly Need[] = [{ command: 'redis-server' }, { command: 'redis-cli' }];
export const redisHost = '127.0.0.1';
const startMs = patient(60_000);

export interface RedisServerOptions {
  /** Of the default user. */
  readonly password?: string;
  /** TLS only, with a self-signed certificate. */
  readonly tls?: boolean;
  readonly appendfsync?: 'always' | 'everysec' | 'no';
  /** More options of redis-server: `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[];
}

export interface RedisServer {
  readonly host: string;
  readonly port: number;
  /** `redis://127.0.0.1:40001`, `rediss://:password@127.0.0.1:40001` */
  readonly url: string;
  /** The server's self-signed certificate; undefined without TLS. */
  readonly certificate: MadeCertificate | undefined;
  /** Kills the server, also a frozen one, like a power cut. */
  kill(): Promise<void>;
  /** Freezes the server: its sockets stay open, but it does not respond. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port and data; kills it first when it runs. */
  restart(): Promise<void>;
  /** Sends a command as the default user; resolves to the reply as `callRedis` writes it. */
  call(...command: string[]): Promise<string>;
  /** Removes every key. */
  flush(): Promise<void>;
}

export interface StartedRedisServer extends RedisServer {
  stop(): Promise<void>;
}

/** Attempts to start, as another process may take the chosen port first. */
export async function retried<T extends { start(): Promise<void>; stop(): Promise<void> }>(
  prepare: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const prepared = await prepare();
    try {
      await prepared.start();
      return prepared;
    } catch (error) {
      await prepared.stop();
      if (attempt === 3) throw error;
    }
  }
}

export function startRedis(options: RedisServerOptions = {}): Promise<StartedRedisServer> {
  return retried(async () => {
    const [port = 0] = await freePorts(1);
    return prepareRedis(port, options);
  });
}

/** A server that does not run until its `start`. */
export function prepareRedis(
  port: number,
  options: RedisServerOptions = {},
): StartedRedisServer & { start(): Promise<void> } {
  const { password, tls = false, appendfsync = 'everysec', args = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), 'swob-redis-'));
  const certificate = tls ? makeCertificate(folder, 'redis', 90, redisHost) : undefined;
  const commandLine = [
    ...['--bind', redisHost, '--dir', folder, '--save', '', '--appendonly', 'yes'],
    ...['--appendfsync', appendfsync, '--port', tls ? '0' : String(port)],
    ...(certificate
      ? [
          ...[
            '--tls-port',
            String(port),
            '--tls-cert-file',
            certificate.crt,
            '--tls-key-file',
            certificate.key,
          ],
          ...['--tls-ca-cert-file', certificate.crt, '--tls-auth-clients', 'no'],
        ]
      : []),
    ...(password === undefined ? [] : ['--requirepass', password, '--masterauth', password]),
    ...args,
  ];
  let child: ChildProcess | undefined;

  const call: RedisServer['call'] = (...words) =>
    callRedis(
      {
        port,
        ...(password !== undefined && { password }),
        ...(certificate && { tls: { ca: readFileSync(certificate.crt) } }),
      },
      words,
    );
  const kill = async (): Promise<void> => {
    await endChild(child);
    child = undefined;
  };
  const start = async (): Promise<void> => {
    await kill();
    const started = await spawnReady('redis-server', commandLine, () => call('ping'));
    child = started;
  };

  return {
    host: redisHost,
    port,
    url: `redis${tls ? 's' : ''}://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}${redisHost}:${port}`,
    certificate,
    kill,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    start,
    restart: start,
    call,
    flush: async () => void (await call('flushall')),
    stop: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts a process and waits until it responds; otherwise ends it, and rejects with its output. */
export async function spawnReady(
  command: string,
  args: readonly string[],
  ping: () => Promise<string>,
): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output = `${output}${String(text)}`.slice(-10_000);
    });
  }
  child.on('error', (error) => {
    output += String(error);
  });
  try {
    await vi.waitFor(
      async () => {
        // Resolves, as further waiting is useless.
        if (child.exitCode !== null) return;
        if ((await ping()) !== 'PONG') throw new Error('not yet');
      },
      { timeout: startMs, interval: 20 },
    );
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
  } catch (error) {
    await endChild(child);
    throw new Error(`${command} does not run: ${String(error)}\n${output}`);
  }
  return child;
}
