// A web page that shows QR codes, and reconnects to the same URL like a real one.

import { vi } from 'vitest';
import { WebSocket } from 'ws';
import { onEnd } from './teardown.ts';

export interface Page {
  /** The QR URL that it shows. */
  shownUrl(): Promise<string>;
  /** Resolves when it shows that a phone has taken the session. */
  paused(): Promise<void>;
  /** Resolves when it shows that the phone has paired; rejects when the server reports that pairing failed. */
  readonly paired: Promise<void>;
  /** How its connections have ended so far: 1001, 1006; 0 for one that was refused. */
  readonly closeCodes: readonly number[];
  /** Closes the page; it does not reconnect. */
  close(): void;
}

/** Close codes after which a page must not reconnect. */
const isFinal = (code: number): boolean => code === 1000 || code >= 4000;
const againMs = 100;
/** A killed or disconnected node may accept a connection and not respond. */
const handshakeMs = 5_000;
const waitMs = 30_000;

/** @param initUrl called for each connection, because nodes without a balancer have their own addresses */
export function openPage(initUrl: string | (() => string)): Page {
  const urlOf = typeof initUrl === 'string' ? () => initUrl : initUrl;
  const ends: number[] = [];
  let qrUrl: string | undefined;
  let isPaused = false;
  let isPaired = false;
  let isClosed = false;
  let socket: WebSocket | undefined;
  const paired = new Promise<void>((resolve, reject) => {
    const open = (): void => {
      if (isClosed) return;
      socket = new WebSocket(urlOf(), { perMessageDeflate: false, handshakeTimeout: handshakeMs });
      let code = 0;
      socket.on('message', (data) => {
        const frame = String(data);
        if (frame === '201- pause') isPaused = true;
        else if (frame === '200- ack') isPaired = true;
        else qrUrl = JSON.parse(frame).qr_url;
      });
      // An HTTP error or none; `close` follows.
      socket.on('error', () => {});
      socket.on('open', () => {
        code = -1;
      });
      socket.on('close', (closeCode, reason) => {
        const end = code === 0 ? 0 : closeCode;
        ends.push(end);
        if (isPaired) return resolve();
        if (isFinal(end)) return reject(new Error(`closed with ${end} ${reason}`));
        setTimeout(open, againMs);
      });
    };
    open();
  });
  paired.catch(() => {});
  const close = (): void => {
    isClosed = true;
    socket?.terminate();
  };
  onEnd(close);
  return {
    closeCodes: ends,
    close,
    paired,
    shownUrl: () =>
      vi.waitFor(
        () => {
          if (qrUrl === undefined) throw new Error(`the page shows nothing yet; ${ends}`);
          return qrUrl;
        },
        { timeout: waitMs, interval: 20 },
      ),
    paused: () =>
      vi.waitFor(
        () => {
          if (!isPaused) throw new Error('the page shows no pause');
        },
        { timeout: waitMs, interval: 20 },
      ),
  };
}
