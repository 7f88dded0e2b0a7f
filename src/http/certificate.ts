// The certificate of a server that is renewed while it runs. Used by server.ts and the sync service.

import type { Server } from 'node:https';

/** PEM: the certificate with its chain, and the private key. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateSource {
  /** The pair that is in use now. */
  readonly current: Certificate;
  /** Hands on every pair that takes its place. */
  onRenewed(take: (renewed: Certificate) => void): void;
}

/** TLS 1.2 at least, whatever Node was told by its own options. */
const withBounds = ({ cert, key }: Certificate) => ({ cert, key, minVersion: 'TLSv1.2' as const });

/** What a TLS server of ours is made with. */
export function tlsOptions(source: CertificateSource, handshakeTimeout: number) {
  return { ...withBounds(source.current), handshakeTimeout };
}

/** New connections get the renewed certificate, open ones stay as they are. */
export function followRenewals(server: Pick<Server, 'setSecureContext'>, source: CertificateSource): void {
  source.onRenewed((renewed) => server.setSecureContext(withBounds(renewed)));
}
