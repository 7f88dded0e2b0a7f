// The modes of the PCRF stub: what it simulates. Used by pcrf.ts.

import type { ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { Clock } from '../domain/shared/ports.ts';
import { sendJson } from './stub-server.ts';

export const pcrfModes = [
  'normal',
  'slow',
  'refuse',
  'ignore',
  'hang',
  'redirect',
  'close',
  'garbage',
  'drip',
  'endless',
  'gzip-bomb',
] as const;

/**
 * What the stub simulates:
 * - `normal`: a working PCRF; `slow`: the same after `ms`; `drip`: the same, one byte a second
 * - `ignore`: success, but the session continues
 * - `refuse`: 500 and a JSON error; `redirect`: 302; `garbage`: 200 and HTML
 * - `hang`: no response; `close`: the connection ends in the middle of the response
 * - `endless`: JSON without end; `gzip-bomb`: a small compressed body that decompresses to a large one
 */
export type PcrfMode = (typeof pcrfModes)[number];

/** Bounds `endless`, for a client that reads everything. */
const endlessChunks = 16_384;
const chunk = Buffer.alloc(64 * 1024, ' ');
const bombBytes = 32 * 1024 * 1024;

export interface SimulationContext {
  readonly ms: number;
  readonly clock: Pick<Clock, 'after' | 'every'>;
  /** Executes the request. @returns the body of the response */
  normal(): string;
  /** Does not execute it. @returns the body of a success */
  ignored(): string;
}

/** Responds in that mode; timers and streams end with the connection at the latest. */
export function respondInMode(
  mode: PcrfMode,
  response: ServerResponse,
  { ms, clock, normal, ignored }: SimulationContext,
): void {
  switch (mode) {
    case 'normal':
      return sendJson(response, 200, normal());
    case 'ignore':
      return sendJson(response, 200, ignored());
    case 'slow': {
      const cancel = clock.after(ms, () => sendJson(response, 200, normal()));
      response.once('close', cancel);
      return;
    }
    case 'refuse':
      return sendJson(response, 500, '{"error":"the PCRF stub was told to refuse"}');
    case 'hang':
      return;
    case 'redirect':
      response.writeHead(302, { location: '/account/elsewhere' }).end();
      return;
    case 'close':
      response.writeHead(200, { ...jsonType, 'content-length': 1_000 });
      response.write('{"success":', () => response.destroy());
      return;
    case 'garbage':
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<!doctype html><title>Welcome</title><p>It works!');
      return;
    case 'drip':
      return drip(response, normal(), clock);
    case 'endless':
      response.writeHead(200, jsonType);
      pipeline(Readable.from(endless()), response, () => undefined);
      return;
    case 'gzip-bomb':
      response.writeHead(200, { ...jsonType, 'content-encoding': 'gzip' });
      response.end(gzipSync(Buffer.alloc(bombBytes, ' ')));
      return;
  }
}

const jsonType = { 'content-type': 'application/json' };

function drip(response: ServerResponse, body: string, clock: Pick<Clock, 'every'>): void {
  const bytes = [...Buffer.from(body)];
  response.writeHead(200, { ...jsonType, 'content-length': bytes.length }).flushHeaders();
  const stop = clock.every(1_000, () => {
    const [byte] = bytes.splice(0, 1);
    if (byte !== undefined) response.write(Buffer.of(byte));
    if (bytes.length === 0) response.end();
  });
  response.once('close', stop);
}

function* endless(): Generator<Buffer> {
  yield Buffer.from('{"success":true,"note":"');
  for (let sent = 0; sent < endlessChunks; sent += 1) yield chunk;
}
