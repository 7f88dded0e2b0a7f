// Runs command lines in the test process with recorded streams, and simulates a gateway.

import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Io } from '../../src/cli/io.ts';
import { run } from '../../src/cli/run.ts';
import type { Clock } from '../../src/domain/shared/ports.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';

/** A stream that records its text; `until` resolves when it contains `part`. */
export class RecordedStream extends Writable {
  text = '';
  readonly isTTY: boolean;
  columns?: number;
  rows?: number;
  readonly #waiting = new Set<() => void>();

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    this.text += String(chunk);
    for (const check of this.#waiting) check();
    done();
  }

  until(part: string): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!this.text.includes(part)) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }
}

export interface CliOptions {
  readonly stdin?: string | Readable;
  readonly env?: Record<string, string>;
  readonly terminal?: boolean;
  /** Columns and rows of the terminal. */
  readonly size?: readonly [number, number];
  readonly clock?: Clock;
}

export interface Cli {
  readonly out: RecordedStream;
  readonly err: RecordedStream;
  readonly signals: EventEmitter;
  /** Runs `swob …argv` on an empty configuration file (unless it names one); resolves to the exit code. */
  swob(...argv: string[]): Promise<number>;
  /** Each line of stdout, as JSON. */
  values(): unknown[];
}

export function createCli(options: CliOptions = {}): Cli {
  const out = new RecordedStream(options.terminal ?? false);
  const err = new RecordedStream(options.terminal ?? false);
  if (options.size) [out.columns, out.rows] = options.size;
  const signals = new EventEmitter();
  const io: Io = {
    stdout: out,
    stderr: err,
    stdin: readableOf(options.stdin),
    clock: options.clock ?? createFakeClock(),
    signals,
    env: options.env ?? {},
  };
  const config = join(temporaryFolder(), 'empty.ini');
  writeFileSync(config, '');
  return {
    out,
    err,
    signals,
    swob: (...argv) => run(argv.length === 0 || argv.includes('-c') ? argv : ['-c', config, ...argv], io),
    values: () =>
      out.text
        .split('\n')
        .filter((line) => line !== '')
        .map((line): unknown => JSON.parse(line)),
  };
}

function readableOf(stdin: CliOptions['stdin']): Readable {
  if (stdin instanceof Readable) return stdin;
  return Readable.from(stdin === undefined ? [] : [Buffer.from(stdin)]);
}

/** A clock on which every wait ends immediately; `waits` holds their lengths in milliseconds. */
export function createSteppingClock(): Clock & { readonly waits: number[] } {
  const clock = createFakeClock();
  const waits: number[] = [];
  return {
    ...clock,
    waits,
    after: (ms, fn) => {
      waits.push(ms);
      setImmediate(() => clock.advance(ms));
      return clock.after(ms, fn);
    },
  };
}

/** A temporary folder for all tests of a file. */
export function sharedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'swob-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface FakeResponse {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface FakeGateway {
  readonly url: string;
  readonly requests: Request[];
}

/** An HTTP server on a free port with the given responses; it never responds where that is undefined. */
export async function startGateway(
  respond: (request: Request) => FakeResponse | undefined | Promise<FakeResponse | undefined>,
): Promise<FakeGateway> {
  const requests: Request[] = [];
  const server = createServer(async (incoming, response) => {
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    const request = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: incoming.headers,
      body,
    };
    requests.push(request);
    const result = await respond(request);
    if (result) response.writeHead(result.status ?? 200, result.headers).end(result.body ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${portOf(server.address())}`, requests };
}

/** A websocket server on a free port that calls `serve` with each socket. */
export async function startSync(serve: (socket: WebSocket, path: string) => void): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise((resolve) => server.once('listening', resolve));
  server.on('connection', (socket, request) => serve(socket, request.url ?? ''));
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${portOf(server.address())}`;
}

/** An address where no server listens. */
export async function unusedUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = portOf(server.address());
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

function portOf(address: AddressInfo | string | null): number {
  if (typeof address === 'object' && address !== null) return address.port;
  throw new Error('not listening');
}
