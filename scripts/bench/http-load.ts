// Load over HTTP, always in a separate process: wrk where it is installed, otherwise autocannon, which also sends what is sent once.
// Used by the benchmarks.

import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchEnvironment } from './environment.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** JSON. */
  readonly body?: string;
}

export interface HttpLoad {
  /** `http://host:port`. */
  readonly url: string;
  /** Sent in order, starting again from the first unless `once` is set. */
  readonly requests: readonly HttpRequest[];
  /** Sends each request once; the load ends after the last one. */
  readonly once?: boolean;
  readonly seconds: number;
  /** 50 by default. */
  readonly connections?: number;
}

export interface HttpResult {
  readonly perSecond: number;
  readonly requests: number;
  /** Responses that are not 2xx, and requests without a response. */
  readonly failed: number;
  /** Latencies in milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

export const connections = 50;

export type HttpDriver = 'wrk' | 'autocannon';

export function httpDriver(): HttpDriver {
  return spawnSync('wrk', ['--version'], { stdio: 'ignore' }).error ? 'autocannon' : 'wrk';
}

export async function loadHttp(environment: BenchEnvironment, load: HttpLoad): Promise<HttpResult> {
  const folder = await environment.folder();
  // wrk always lasts as long as it was told to.
  const child =
    httpDriver() === 'wrk' && !load.once
      ? environment.startProgram('wrk', await wrkArguments(folder, load))
      : environment.startScript('load', 'autocannon-load', [await planFile(folder, load)]);
  try {
    for (;;) {
      const line = await child.nextLine();
      if (line.startsWith('{')) return JSON.parse(line);
    }
  } finally {
    await child.stop();
  }
}

async function planFile(folder: string, load: HttpLoad): Promise<string> {
  const file = join(folder, 'plan.json');
  await writeFile(file, JSON.stringify({ connections, ...load }));
  return file;
}

/** Separates requests in the file: no URL and no JSON contains it. */
const separator = '\x01';

async function wrkArguments(folder: string, load: HttpLoad): Promise<string[]> {
  const requests = join(folder, 'requests');
  const { host } = new URL(load.url);
  // It takes whole seconds.
  const seconds = Math.max(1, Math.round(load.seconds));
  await writeFile(requests, load.requests.map((request) => `${raw(host, request)}${separator}`).join(''));
  const script = join(folder, 'load.lua');
  await writeFile(script, lua(requests));
  return [
    '-t1',
    `-c${load.connections ?? connections}`,
    `-d${seconds}s`,
    '--timeout',
    '10s',
    '-s',
    script,
    load.url,
  ];
}

function raw(host: string, { method, path, body }: HttpRequest): string {
  const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n`;
  if (body === undefined) return `${head}\r\n`;
  return `${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** The script of wrk: sends the requests of the file in order, and prints a line of JSON at the end. */
function lua(requests: string): string {
  return `
local requests, at = {}, 0
function init()
  local file = assert(io.open(${JSON.stringify(requests)}, 'rb'))
  for request in file:read('*a'):gmatch('([^\\1]+)\\1') do requests[#requests + 1] = request end
  file:close()
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"perSecond":%f,"requests":%d,"failed":%d,"p50":%f,"p99":%f}\\n',
    summary.requests / summary.duration * 1e6, summary.requests,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
`;
}
