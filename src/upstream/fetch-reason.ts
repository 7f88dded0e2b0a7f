// Why a call by node-fetch failed, in words that quote nothing of the request: its own messages hold the whole
// URL, which may name a session or a secret. Used by the clients of this room.

import { FetchError } from 'node-fetch';

/** `maxBytes` is the size that was allowed for the answer. */
export function fetchReason(error: unknown, maxBytes: number): string {
  if (error instanceof FetchError && error.type === 'max-size') return `its answer is over ${maxBytes} bytes`;
  if (error instanceof FetchError && error.type === 'no-redirect') return 'it redirects';
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? `no usable answer (${code})` : 'no usable answer';
}
