// The gateway's end of the old wire protocol: a sync service in another process is told of pause and ack by
// opening `/v2/sync/<pause|ack>/<user>/<session>`, which it closes when it has acted.

import type { Agent } from 'node:https';
import { WebSocket } from 'ws';
import type { Addresses } from '../domain/addresses.ts';
import type { SessionEvent } from '../domain/model.ts';
import type { Bus, Clock, Log } from '../domain/ports.ts';
import { messageOf } from '../errors.ts';

/** How long a phone's answer may wait for the web page to be told. */
const deliveryTimeoutMs = 2_000;

/** Deliveries under way at once; beyond them an event is dropped and logged. */
const maxDeliveries = 1_000;

export interface WebSocketBusDeps {
  readonly addresses: Addresses;
  /** Trusts the certificate of the sync service; undefined without TLS. */
  readonly agent: Agent | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export function createWebSocketBus(deps: WebSocketBusDeps): Bus {
  const { addresses, agent, clock } = deps;
  const open = new Set<WebSocket>();

  const deliver = (event: SessionEvent): Promise<string | undefined> =>
    new Promise((resolve) => {
      const url = `${addresses.sync()}/v2/sync/${event.kind}/${encodeURIComponent(event.userId)}/${encodeURIComponent(event.sessionId)}`;
      const socket = new WebSocket(url, {
        perMessageDeflate: false,
        ...(agent && { agent }),
        maxPayload: 4_096,
        handshakeTimeout: deliveryTimeoutMs,
      });
      open.add(socket);
      let failure: string | undefined;
      const giveUp = clock.after(deliveryTimeoutMs, () => {
        failure = `no answer within ${deliveryTimeoutMs} ms`;
        socket.terminate();
      });
      socket.on('error', (error) => {
        failure ??= messageOf(error);
      });
      socket.on('close', (code) => {
        giveUp();
        open.delete(socket);
        resolve(failure ?? (code >= 4000 ? `closed with ${code}` : undefined));
      });
    });

  return {
    publish: async (event, log = deps.log) => {
      const failure = open.size < maxDeliveries ? await deliver(event) : 'too many deliveries under way';
      if (failure) {
        const { kind, userId } = event;
        log.warn({ kind, userId, sync: addresses.sync(), failure }, 'the sync service was not told');
      }
    },
    // Nothing comes back this way: the sync service hears of events over its own port.
    subscribe: async () => () => {},
    close: async () => {
      for (const socket of open) socket.terminate();
    },
  };
}
