// One HTTP request over a connection that is kept open for the next one, bounded in time and size, no redirect followed.
// Used by cookie-call.ts, whose calls a pairing makes two of: node-fetch opens a connection for each, and costs four times
// as much without that, too.

import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';

export interface HttpQuestion {
  /** User and password in it are sent as a header. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Posted when there is one. */
  readonly body?: string | undefined;
  /** Milliseconds for everything, body included. */
  readonly timeoutMs: number;
  /** Of the answer, as it comes and unpacked. */
  readonly maxBodyBytes: number;
  /** Whether an answer of this status is read to its end; others are hung up on. */
  readonly isWanted: (status: number) => boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly setCookie: readonly string[];
  /** Undefined when it was not wanted. */
  readonly body: string | undefined;
}

/** Idle connections are closed sooner than servers do it, so that none is closed just when it is asked; few are kept. */
const kept = { keepAlive: true, maxFreeSockets: 32, timeout: 500 };

const unpackers = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;
const isPacking = (name: string): name is keyof typeof unpackers => Object.hasOwn(unpackers, name);

/** Asks; rejects with an Error whose message is the reason, in words that quote nothing of question or answer. */
export function createAsker(): (question: HttpQuestion) => Promise<HttpAnswer> {
  const agents = { http: new HttpAgent(kept), https: new HttpsAgent(kept) };

  const open = ({ url, headers, body }: HttpQuestion): ClientRequest => {
    const options = {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'accept-encoding': 'gzip, deflate, br',
        ...headers,
        ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
      },
    };
    return url.startsWith('https:')
      ? httpsRequest(url, { ...options, agent: agents.https })
      : httpRequest(url, { ...options, agent: agents.http });
  };

  return (question) => {
    const { body, timeoutMs, maxBodyBytes, isWanted } = question;
    return new Promise((resolve, reject) => {
      const request = open(question);
      const fail = (reason: string): void => {
        clearTimeout(timer);
        request.destroy();
        reject(new Error(reason));
      };
      const failWith = (error: unknown): void => fail(reasonOf(error, maxBodyBytes));
      const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);

      request.on('error', failWith);
      request.once('response', (response) => {
        const { statusCode: status = 0, headers } = response;
        const setCookie = headers['set-cookie'] ?? [];
        if (!isWanted(status)) {
          clearTimeout(timer);
          // Unread, its socket would stay open.
          request.destroy();
          return resolve({ status, setCookie, body: undefined });
        }
        const chunks: Buffer[] = [];
        let length = 0;
        response.on('error', failWith);
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > maxBodyBytes) fail(tooLarge(maxBodyBytes));
          else chunks.push(chunk);
        });
        response.once('end', () => {
          unpacked(Buffer.concat(chunks), headers['content-encoding'], maxBodyBytes).then((bytes) => {
            clearTimeout(timer);
            resolve({ status, setCookie, body: utf8.decode(bytes) });
          }, failWith);
        });
      });
      request.end(body);
    });
  };
}

const utf8 = new TextDecoder();

async function unpacked(bytes: Buffer, packing: string | undefined, maxBytes: number): Promise<Buffer> {
  if (packing === undefined || bytes.length === 0 || !isPacking(packing)) return bytes;
  return unpackers[packing](bytes, { maxOutputLength: maxBytes });
}

const tooLarge = (maxBytes: number): string => `its answer is over ${maxBytes} bytes`;

/** In words that quote nothing of question or answer. */
function reasonOf(error: unknown, maxBytes: number): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ERR_BUFFER_TOO_LARGE') return tooLarge(maxBytes);
  return typeof code === 'string' ? `no usable answer (${code})` : 'no usable answer';
}
