// A sync websocket as `sync qr` and `sync pair` see it: opens a session, then hands out what the
// server says, one event at a time. The only file of the command line that uses ws.

import type { IncomingMessage } from 'node:http';
import WebSocket, { type RawData } from 'ws';
import type { Clock } from '../domain/ports.ts';
import { messageOf, SwobError } from '../errors.ts';
import { printable } from '../printable.ts';
import type { Client } from './context.ts';
import { trustingAgent } from './daemon.ts';
import { refusal, secondsOf } from './refusal.ts';
import { readFrame, type SyncEvent } from './sync-events.ts';

const maxFrameBytes = 64 * 1024;
/** Events that wait to be read; a server that sends more at once is cut off. */
const maxWaiting = 1_000;
const openTimeoutMs = 10_000;
/** As much as is read of the answer to a refused upgrade. */
const maxRefusal = 4_096;

export interface SyncSocket {
  /**
   * The next event; after 'closed' the same again. Undefined when none comes within so many milliseconds.
   * Rejects with the signal's reason when aborted.
   */
  next(withinMs: number): Promise<SyncEvent | undefined>;
  close(): void;
}

/** The websocket URL of a new session of this user; throws as the HTTP client does. */
async function openSession({ http }: Client, userId: string): Promise<string> {
  const url = (await http.text({ path: `/v2/sync/users/${encodeURIComponent(userId)}` })).trim();
  if (isSocketUrl(url)) return url;
  throw new SwobError(
    'UPSTREAM',
    `${http.baseUrl} did not answer with a websocket URL: ${printable(url.slice(0, 200))}`,
  );
}

export function isSocketUrl(text: string): boolean {
  return /^wss?:\/\//.test(text) && URL.canParse(text);
}

/** The most time that a session can take, by the client's own configuration, in milliseconds. */
export function sessionBoundMs({ config }: Client): number {
  const { session_change_limit, session_sleep_timeout, session_paused_timeout } = config.sync;
  return session_change_limit * session_sleep_timeout + session_paused_timeout + 30_000;
}

/**
 * Connects to `target`: a websocket URL, or undefined for a new session of this user at the gateway.
 * Throws UNREACHABLE when that fails; when the server refuses, the error of its status, as the HTTP client does.
 */
export async function connectSync(
  client: Client,
  clock: Clock,
  userId: string,
  target: string | undefined,
): Promise<SyncSocket> {
  const { signal, config } = client;
  const url = target ?? (await openSession(client, userId));
  const agent = url.startsWith('wss:') ? await trustingAgent(config.websocket_ssl) : undefined;
  signal.throwIfAborted();
  const socket = new WebSocket(url, {
    handshakeTimeout: openTimeoutMs,
    maxPayload: maxFrameBytes,
    perMessageDeflate: false,
    ...(agent && { agent }),
  });
  const waiting: SyncEvent[] = [];
  let wake = (): void => undefined;
  const give = (event: SyncEvent): void => {
    waiting.push(event);
    wake();
  };
  socket.on('message', (data: RawData) => {
    const event = readFrame(String(data));
    if (event && waiting.length < maxWaiting) give(event);
    else if (event) socket.terminate();
  });
  socket.on('close', (code, reason) => give({ kind: 'closed', code, reason: printable(String(reason)) }));
  const onAbort = (): void => {
    socket.terminate();
    wake();
  };
  signal.addEventListener('abort', onAbort, { once: true });

  await opened(socket, url, clock, signal);
  return {
    next: async (withinMs) => {
      let late = false;
      const cancel = clock.after(withinMs, () => {
        late = true;
        wake();
      });
      try {
        for (;;) {
          signal.throwIfAborted();
          const [event] = waiting;
          if (event && event.kind !== 'closed') waiting.shift();
          if (event || late) return event;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        cancel();
      }
    },
    close: () => {
      signal.removeEventListener('abort', onAbort);
      // A polite close would wait for the server's answer; nothing more is wanted of it.
      socket.terminate();
    },
  };
}

function opened(socket: WebSocket, url: string, clock: Clock, signal: AbortSignal): Promise<void> {
  const { host } = new URL(url);
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    // Stays: an error later on is followed by 'close', which tells the reader.
    socket.on('error', (error) => {
      const message = `cannot connect to the sync websocket at ${host}: ${printable(messageOf(error))}; is \`swob serve sync\` running?`;
      reject(signal.aborted ? signal.reason : new SwobError('UNREACHABLE', message, { cause: error }));
    });
    socket.once('unexpected-response', (_request, response) => {
      void readText(response, clock).then((text) => {
        const { statusCode: status = 0, statusMessage: statusText = '' } = response;
        const retryAfter = secondsOf(response.headers['retry-after']);
        reject(refusal({ status, statusText, text, retryAfter }, `sync websocket at ${host}`));
        socket.terminate();
      });
    });
  });
}

/** The beginning of the body, or what came of it in time. */
async function readText(response: IncomingMessage, clock: Clock): Promise<string> {
  const cancel = clock.after(openTimeoutMs, () => response.destroy());
  let text = '';
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      text += String(chunk);
      if (text.length >= maxRefusal) break;
    }
  } catch {
    // Broken off or too late: the status says enough.
  } finally {
    cancel();
  }
  return text;
}
