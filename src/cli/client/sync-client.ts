// Client of the sync websocket: creates a session, connects, and returns one event at a time. Used by `sync qr` and
// `sync pair`.

import type { IncomingMessage } from 'node:http';
import WebSocket, { type RawData } from 'ws';
import type { Clock } from '../../domain/shared/ports.ts';
import { messageOf, SwobError } from '../../errors.ts';
import { printable } from '../../lib/printable.ts';
import type { GatewayApi } from '../context.ts';
import { trustingAgent } from './endpoints.ts';
import { parseRetryAfter, responseError } from './error-response.ts';
import { parseFrame, type SyncEvent } from './sync-events.ts';

const maxFrameBytes = 64 * 1024;
/** Unread events at most; a server that sends more is disconnected. */
const maxQueuedEvents = 1_000;
const openTimeoutMs = 10_000;
/** Characters read of the response to a rejected upgrade. */
const maxErrorBodyLength = 4_096;

export interface SyncSocket {
  /**
   * The next event; after `closed` always that one. Undefined after `withinMs` milliseconds without an event.
   * Rejects with the reason of the signal.
   */
  next(withinMs: number): Promise<SyncEvent | undefined>;
  close(): void;
}

/** Creates a session and returns its websocket URL; throws as the HTTP client does. */
async function createSession({ http }: GatewayApi, userId: string): Promise<string> {
  const url = (await http.text({ path: `/v2/sync/users/${encodeURIComponent(userId)}` })).trim();
  if (isWebSocketUrl(url)) return url;
  throw new SwobError(
    'UPSTREAM',
    `${http.baseUrl} did not respond with a websocket URL: ${printable(url.slice(0, 200))}`,
  );
}

export function isWebSocketUrl(text: string): boolean {
  return /^wss?:\/\//.test(text) && URL.canParse(text);
}

/** The longest duration of a session in milliseconds, by this machine's configuration. */
export function maxSessionMs({ config }: GatewayApi): number {
  const { session_change_limit, session_sleep_timeout, session_paused_timeout } = config.sync;
  return session_change_limit * session_sleep_timeout + session_paused_timeout + 30_000;
}

/**
 * Connects to the websocket URL `target`, or to a new session of the user if undefined.
 * Throws UNREACHABLE when that fails, and the error of the status when the server rejects the upgrade.
 */
export async function connectSync(
  client: GatewayApi,
  clock: Clock,
  userId: string,
  target: string | undefined,
): Promise<SyncSocket> {
  const { signal, config } = client;
  const url = target ?? (await createSession(client, userId));
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
    const event = parseFrame(String(data));
    if (event && waiting.length < maxQueuedEvents) give(event);
    else if (event) socket.terminate();
  });
  socket.on('close', (code, reason) => give({ kind: 'closed', code, reason: printable(String(reason)) }));
  const onAbort = (): void => {
    socket.terminate();
    wake();
  };
  signal.addEventListener('abort', onAbort, { once: true });

  const stopListening = (): void => signal.removeEventListener('abort', onAbort);
  try {
    await waitForOpen(socket, url, clock, signal);
  } catch (error) {
    stopListening();
    throw error;
  }
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
      stopListening();
      // Skip the closing handshake: no further message is expected.
      socket.terminate();
    },
  };
}

function waitForOpen(socket: WebSocket, url: string, clock: Clock, signal: AbortSignal): Promise<void> {
  const { host } = new URL(url);
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    // Never removed: a later error is followed by `close`, which ends the reader.
    socket.on('error', (error) => {
      const message = `cannot connect to the sync websocket at ${host}: ${printable(messageOf(error))}; is \`swob serve sync\` running?`;
      reject(signal.aborted ? signal.reason : new SwobError('UNREACHABLE', message, { cause: error }));
    });
    socket.once('unexpected-response', (_request, response) => {
      void readErrorBody(response, clock).then((text) => {
        const { statusCode: status = 0, statusMessage: statusText = '' } = response;
        const retryAfter = parseRetryAfter(response.headers['retry-after']);
        reject(responseError({ status, statusText, text, retryAfter }, `sync websocket at ${host}`));
        socket.terminate();
      });
    });
  });
}

/** The beginning of the body, as far as it arrives in time. */
async function readErrorBody(response: IncomingMessage, clock: Clock): Promise<string> {
  const cancel = clock.after(openTimeoutMs, () => response.destroy());
  let text = '';
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      text += String(chunk);
      if (text.length >= maxErrorBodyLength) break;
    }
  } catch {
    // The status alone suffices when the body is incomplete.
  } finally {
    cancel();
  }
  return text;
}
