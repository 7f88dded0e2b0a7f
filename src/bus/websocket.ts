// The gateway's side of the former wire protocol: it notifies a sync service in another process of pause and ack by
// opening `/v2/sync/<pause|ack>/<user>/<session>`, which the service closes once it has acted.

import type { Agent } from 'node:https';
import { WebSocket } from 'ws';
import type { SessionEvent } from '../domain/pairing/model.ts';
import type { Bus } from '../domain/pairing/ports.ts';
import type { Clock, Log } from '../domain/shared/ports.ts';
import type { ServiceUrls } from '../domain/shared/urls.ts';
import { messageOf } from '../errors.ts';

/** Bounds how long notifying the web page delays the response to a phone. */
const deliveryTimeoutMs = 2_000;

/** Concurrent deliveries; above this an event is dropped and logged. */
const maxDeliveries = 1_000;

export interface WebSocketBusDeps {
  readonly addresses: ServiceUrls;
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
      const cancelTimeout = clock.after(deliveryTimeoutMs, () => {
        failure = `no response within ${deliveryTimeoutMs} ms`;
        socket.terminate();
      });
      socket.on('error', (error) => {
        failure ??= messageOf(error);
      });
      socket.on('close', (code) => {
        cancelTimeout();
        open.delete(socket);
        resolve(failure ?? (code >= 4000 ? `closed with ${code}` : undefined));
      });
    });

  return {
    publish: async (event, log = deps.log) => {
      const failure = open.size < maxDeliveries ? await deliver(event) : 'too many deliveries in progress';
      if (failure) {
        const { kind, userId } = event;
        log.warn({ kind, userId, sync: addresses.sync(), failure }, 'the sync service was not notified');
      }
    },
    // Events travel in one direction only: the sync service receives them on its own port.
    subscribe: async () => {},
    unsubscribe: () => {},
    close: async () => {
      for (const socket of open) socket.terminate();
    },
  };
}
