// Pairs as a phone that reads the QR code from the sync websocket. Used by `swob sync pair` and the playground.

import type { Clock } from '../../domain/shared/ports.ts';
import { SwobError } from '../../errors.ts';
import type { GatewayApi } from '../context.ts';
import { type PairingResult, pairAsPhone, parseHandshakeUrl } from './phone-pairing.ts';
import { connectSync, type SyncSocket } from './sync-client.ts';
import { closeError } from './sync-events.ts';

/** Timeout of the first URL, and of the pause and ack frames together. */
const frameTimeoutMs = 5_000;

interface SocketPairing {
  readonly clock: Clock;
  readonly user: string;
  /** Of the websocket; undefined opens a new session. */
  readonly url?: string | undefined;
  readonly password: string;
}

/**
 * Throws as `pairAsPhone` and `connectSync` do.
 * @returns the result, and the names of frames that the websocket did not receive in time
 */
export async function pairOverSocket(
  client: GatewayApi,
  { clock, user, url: socketUrl, password }: SocketPairing,
): Promise<PairingResult & { readonly missing: readonly string[] }> {
  const socket = await connectSync(client, clock, user, socketUrl);
  try {
    const first = await socket.next(frameTimeoutMs);
    if (first?.kind === 'closed') throw closeError(first.code, first.reason);
    const url = first?.kind === 'url' ? parseHandshakeUrl(first.qrUrl) : undefined;
    if (url === undefined) throw new SwobError('UPSTREAM', 'the sync websocket sent no handshake URL');
    const paired = await pairAsPhone(client.http, url, password);
    return { ...paired, missing: await missingFrames(socket, clock.monotonic) };
  } finally {
    socket.close();
  }
}

/** The names of the pause and ack frames that do not arrive in time. */
async function missingFrames(socket: SyncSocket, monotonic: () => number): Promise<string[]> {
  const deadline = monotonic() + frameTimeoutMs;
  let paused = false;
  for (;;) {
    const event = await socket.next(deadline - monotonic());
    if (event?.kind === 'paused') paused = true;
    if (event?.kind === 'paired') return paused ? [] : ['pause'];
    if (!event || event.kind === 'closed') return paused ? ['ack'] : ['pause', 'ack'];
  }
}
