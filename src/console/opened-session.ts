// What the pairing page gets to show a new session. Apart from pairing-page.ts, because the page's own code imports its type.

export interface OpenedSession {
  /** Of the sync websocket. */
  readonly url: string;
  /** How long each QR code is valid. */
  readonly seconds: number;
}
