// A pairing session as the page shows it: opens it, follows it on the websocket, reconnects, and opens another one when the
// service has forgotten it. Used by main.tsx; the outside is passed in, so that tests have their own.

import type { OpenedSession } from '../../console/opened-session.ts';
import { endingOf, parseFrame } from './frames.ts';

export type SessionState =
  | { readonly kind: 'opening' | 'connected' | 'paired' | 'lost' | 'gone' | 'refused' | 'elsewhere' }
  | { readonly kind: 'timed out'; readonly password: boolean }
  | {
      readonly kind: 'waiting';
      readonly qrUrl: string;
      readonly mobileUrl: string;
      /** When the next code comes, in milliseconds of `performance.now`. */
      readonly until: number;
      readonly seconds: number;
    }
  | {
      readonly kind: 'limited';
      /** When another session may be opened, in milliseconds of `performance.now`. */
      readonly until: number;
    };

/** A refusal of the service to open a session: its status, and the seconds of Retry-After. */
export interface OpenRefusal {
  readonly status: number;
  readonly retryAfter: number;
}

export interface Outside {
  /** Rejects when the service does not respond. */
  open(): Promise<OpenedSession | OpenRefusal>;
  /** Throws for a URL that the page may not connect to, such as `ws:` from a page with `https:`. */
  connect(url: string): Pick<WebSocket, 'onmessage' | 'onclose' | 'close'>;
  now(): number;
  after(ms: number, run: () => void): () => void;
}

const firstRetryMs = 1_000;
const maxRetryMs = 15_000;
/** About ten minutes; then the person decides. */
const maxRetries = 45;
/** A frame that is overdue by this much will not arrive: the network has dropped the connection, which a browser does not notice by itself. */
const overdueMs = 15_000;

/** @returns a function that starts again with a new session */
export function followSession(outside: Outside, show: (state: SessionState) => void): () => void {
  let session: OpenedSession | undefined;
  let socket: ReturnType<Outside['connect']> | undefined;
  let cancelRetry = (): void => {};
  let cancelDeadline = (): void => {};
  let retries = 0;
  let isConnected = false;
  /** Distinguishes this attempt from earlier ones, whose answers come too late. */
  let attempt = 0;

  const end = (state: SessionState): void => {
    session = undefined;
    show(state);
  };
  const retry = (): void => {
    if (retries === maxRetries) return end({ kind: 'gone' });
    show({ kind: 'lost' });
    const pause = Math.min(maxRetryMs, firstRetryMs * 2 ** retries++);
    cancelRetry = outside.after(pause, () => (session ? connect(session) : void open()));
  };
  const open = async (): Promise<void> => {
    const own = ++attempt;
    const opened = await outside.open().catch(() => undefined);
    if (own !== attempt) return;
    if (!opened || ('status' in opened && opened.status >= 500)) return retry();
    if ('url' in opened) {
      session = opened;
      return connect(opened);
    }
    const isLimited = opened.status === 429;
    end(
      isLimited ? { kind: 'limited', until: outside.now() + opened.retryAfter * 1_000 } : { kind: 'refused' },
    );
  };
  const connect = ({ url, seconds, pausedSeconds }: OpenedSession): void => {
    let own: ReturnType<Outside['connect']>;
    try {
      own = outside.connect(url);
    } catch {
      // The service is configured wrongly; the browser's console has the reason.
      return end({ kind: 'gone' });
    }
    socket = own;
    let hasPaired = false;
    /** The service sends the next frame, or closes, within this time. */
    const expectWithin = (expected: number): void => {
      cancelDeadline();
      cancelDeadline = outside.after(expected * 1_000 + overdueMs, () => {
        socket = undefined;
        own.close();
        retry();
      });
    };
    expectWithin(seconds);
    own.onmessage = ({ data }) => {
      const frame = own === socket && !hasPaired ? parseFrame(String(data)) : undefined;
      if (!frame) return;
      retries = 0;
      isConnected = frame.kind === 'paused';
      hasPaired = frame.kind === 'paired';
      if (hasPaired) cancelDeadline();
      else expectWithin(isConnected ? pausedSeconds : seconds);
      if (frame.kind === 'url')
        show({ ...frame, kind: 'waiting', until: outside.now() + seconds * 1_000, seconds });
      else if (frame.kind === 'paused') show({ kind: 'connected' });
      else end({ kind: 'paired' });
    };
    own.onclose = ({ code }) => {
      if (own !== socket || hasPaired) return;
      socket = undefined;
      cancelDeadline();
      const ending = endingOf(code);
      if (ending === 'timed out') return end({ kind: 'timed out', password: false });
      if (ending === 'password timed out') return end({ kind: 'timed out', password: true });
      // The phone has sent its key to a session that is gone, so a new code would not help it without a word.
      if (ending === 'unknown session' && isConnected) return end({ kind: 'timed out', password: true });
      if (ending === 'unknown session') session = undefined;
      // After a loss the service may not have noticed yet that the earlier connection is gone.
      if (ending === 'elsewhere' && retries === 0) return end({ kind: 'elsewhere' });
      retry();
    };
  };
  const start = (): void => {
    cancelRetry();
    cancelDeadline();
    socket?.close();
    socket = undefined;
    session = undefined;
    retries = 0;
    isConnected = false;
    show({ kind: 'opening' });
    void open();
  };
  start();
  return start;
}
