// `swob serve --workers` in tests: starting it, requests on connections of their own, so that they reach the workers round-robin, and
// which worker wrote a line of the log. Used by test/process/workers*.test.ts.

import { request } from 'node:http';
import { expect, vi } from 'vitest';
import { type ProcessOptions, type RunningSwob, startSwob } from './binary.ts';
import { createPhone, decryptWith, encryptFor } from './phone.ts';
import { openSocket } from './socket.ts';

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
  { workers = 2, ...options }: ProcessOptions & { readonly workers?: number },
): Promise<RunningWorkers<Ready>> {
  const swob = await startSwob<Ready>(['serve', ...args, '--workers', String(workers)], options);
  const lines = (): LogLine[] =>
    swob
      .stderr()
      .split('\n')
      // What follows the last line break is not complete yet.
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  const pids = (): number[] =>
    lines().flatMap(({ msg, pid }) => (msg === 'a worker is ready' && pid !== undefined ? [pid] : []));
  // The log may arrive after stdout, on which `swob` was ready.
  await vi.waitFor(() => expect(pids()).toHaveLength(workers));
  return { ...swob, lines, pids };
}

interface PairingUrls {
  readonly gateway: { readonly url: string };
  readonly sync: { readonly url: string };
}

/**
 * Pairs alice, with each request on a connection of its own, so that session, socket, handshake and password reach the workers in
 * turn. @returns the shared key
 */
export async function pairOverWorkers({ gateway }: PairingUrls, requestId: string): Promise<string> {
  const headers = { 'x-request-id': requestId };
  const initUrl = (await requestOnce(`${gateway.url}/v2/sync/users/alice`, { headers })).text;
  const socket = await openSocket(initUrl);
  const { qr_url } = JSON.parse(await socket.next());
  const phone = createPhone();
  const handshake = await requestOnce(qr_url, { headers, body: { public_key: phone.publicKeyPem } });
  expectFrame(await socket.next(), '201- pause');
  const { public_key, verification_url } = JSON.parse(handshake.text);
  const password = encryptFor(public_key, Buffer.from('correct horse')).toString('base64');
  const url = new URL(verification_url, qr_url).href;
  const paired = await requestOnce(url, { headers, body: { password } });
  expectFrame(await socket.next(), '200- ack');
  const key = Buffer.from(JSON.parse(paired.text).shared_key, 'base64');
  return String(decryptWith(phone.privateKey, key));
}

function expectFrame(frame: string, expected: string): void {
  if (frame !== expected) throw new Error(`the socket sent ${frame} instead of ${expected}`);
}
