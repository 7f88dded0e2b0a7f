// `swob serve --workers` in tests: starting it, requests on connections of their own, so that they reach the workers in turn, and
// which worker wrote a line of the log. Used by test/process/workers*.test.ts.

import { request } from 'node:http';
import { type RunningSwob, startSwob } from './binary.ts';

export interface WorkerResponse {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Sends a request on a new connection. */
export function requestOnce(
  url: string,
  {
    body,
    headers = {},
  }: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<WorkerResponse> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        agent: false,
        method: body === undefined ? 'GET' : 'POST',
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

export interface RunningWorkers<Ready> extends RunningSwob<Ready> {
  /** The lines of the log so far. */
  lines(): LogLine[];
  /** The process ids of the workers that were started so far, the earliest first. */
  pids(): number[];
}

interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly worker?: number;
  readonly pid?: number;
  readonly [field: string]: unknown;
}

export async function startWorkers<Ready = { gateway: { url: string }; sync: { url: string } }>(
  args: readonly string[],
  { cwd, workers = 2 }: { readonly cwd: string; readonly workers?: number },
): Promise<RunningWorkers<Ready>> {
  const swob = await startSwob<Ready>(['serve', ...args, '--workers', String(workers)], { cwd });
  const lines = (): LogLine[] =>
    swob
      .stderr()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  return {
    ...swob,
    lines,
    pids: () =>
      lines().flatMap(({ msg, pid }) => (msg === 'a worker is ready' && pid !== undefined ? [pid] : [])),
  };
}
