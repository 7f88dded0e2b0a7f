// The Publisher, which sends mail and chat: where the plain text of an inbound SMS goes. Used by publishing.

import type { Publisher } from '../domain/inbound/ports.ts';
import type { PoolUsage } from './connection-pool.ts';
import { createHttpDelivery, type HttpDeliveryOptions } from './http-delivery.ts';

export interface PublisherOptions
  extends Pick<HttpDeliveryOptions, 'port' | 'timeoutMs' | 'maxConnections' | 'clock' | 'log'> {
  /** May start with `https://`. */
  readonly host: string;
  /** Path, with an optional query. */
  readonly endpoint: string;
}

/** A client of the Publisher, which delivers before it responds. */
export function createPublisher(options: PublisherOptions): Publisher & { usage(): PoolUsage } {
  const host = options.host.replace(/^https:\/\//, '');
  const { post, usage, close } = createHttpDelivery({
    ...options,
    name: 'Publisher',
    host,
    secure: host !== options.host,
    path: options.endpoint,
  });
  return {
    publish: (id, msisdn, message, beforeSend) =>
      post(id, JSON.stringify({ MSISDN: msisdn, message }), beforeSend),
    usage,
    close,
  };
}
