// The certificate of a server that is renewed while it runs. Used by server.ts and the sync service.

import type { Server } from 'node:https';

/** PEM: the certificate with its chain, and the private key. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateSource {
  /** The pair in use. */
  readonly current: Certificate;
  /** Calls `apply` with each renewed pair. */
  onRenewed(apply: (renewed: Certificate) => void): void;
}

/** TLS 1.2 or later, whatever options Node itself was started with. */
const secureContext = ({ cert, key }: Certificate) => ({ cert, key, minVersion: 'TLSv1.2' as const });

/** The options of a TLS server. */
export function tlsOptions(source: CertificateSource, handshakeTimeout: number) {
  return { ...secureContext(source.current), handshakeTimeout };
}

/** Serves renewed certificates to new connections; open connections keep theirs. */
export function applyRenewals(server: Pick<Server, 'setSecureContext'>, source: CertificateSource): void {
  source.onRenewed((renewed) => server.setSecureContext(secureContext(renewed)));
}
