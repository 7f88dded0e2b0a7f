// The RelaySMS Publisher, which decrypts what swob cannot read: where payloads go unchanged. Used by publishing.

import type { Publisher } from '../domain/inbound/ports.ts';
import { unbracketHost } from '../lib/net.ts';
import type { PoolUsage } from './connection-pool.ts';
import { createHttpDelivery, type HttpDeliveryOptions } from './http-delivery.ts';

const publicationsPath = '/v1/publications';

export interface RelayPublisherOptions
  extends Pick<HttpDeliveryOptions, 'timeoutMs' | 'maxConnections' | 'clock' | 'log'> {
  /** With or without the path of publications. */
  readonly url: string;
  /** Sent with each payload; '' sends none. */
  readonly tag: string;
}

/** A client of the RelaySMS Publisher, which queues a payload before it responds. */
export function createRelayPublisher(options: RelayPublisherOptions): Publisher & { usage(): PoolUsage } {
  const url = publicationsUrl(options.url);
  const secure = url.protocol === 'https:';
  const { post, usage, close } = createHttpDelivery({
    ...options,
    name: 'RelaySMS Publisher',
    host: unbracketHost(url.hostname),
    port: Number(url.port) || (secure ? 443 : 80),
    secure,
    path: `${url.pathname}${url.search}`,
  });
  const { tag } = options;
  return {
    publish: (id, msisdn, text, beforeSend) =>
      post(id, JSON.stringify({ address: msisdn, text, ...(tag !== '' && { tag }) }), beforeSend),
    usage,
    close,
  };
}

/** The URL of publications, from `[relay] url`. */
export function publicationsUrl(text: string): URL {
  const url = new URL(text);
  const path = url.pathname.replace(/\/+$/, '');
  if (!path.endsWith(publicationsPath)) url.pathname = `${path}${publicationsPath}`;
  return url;
}
