// What the pairing page gets to show a new session. Apart from pairing-page.ts, because the page's own code imports its type.

export interface OpenedSession {
  /** Of the sync websocket. */
  readonly url: string;
  /** How long each QR code is valid. */
  readonly seconds: number;
  /** How long a phone that has scanned a code may take until it has paired. */
  readonly pausedSeconds: number;
}
