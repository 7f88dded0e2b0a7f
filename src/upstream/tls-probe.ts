// Finds out by a TLS handshake, over which nothing is sent, whether a server has a certificate that clients trust. Used by
// `swob doctor`.

import { isIP } from 'node:net';
import { connect, rootCertificates } from 'node:tls';
import type { Endpoint } from './tcp-probe.ts';

/**
 * - `trusted`: a certificate of a public authority for this host
 * - `refused`: another certificate
 * - `unknown`: there was no handshake
 */
export type TlsProbe =
  | { readonly kind: 'trusted' }
  | { readonly kind: 'refused' | 'unknown'; readonly reason: string };

/** Codes of OpenSSL and Node for certificates, such as CERT_HAS_EXPIRED. */
const certificateError = /CERT|SIGNATURE|ALTNAME/;

/** @param roots the public authorities: by default those of Mozilla, from which those of Android hardly differ */
export function probeTls(
  { host, port }: Endpoint,
  signal: AbortSignal,
  roots: readonly string[] = rootCertificates,
): Promise<TlsProbe> {
  return new Promise((resolve) => {
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = connect({ host, port, ...name, ca: [...roots] });
    const end = (result: TlsProbe): void => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(result);
    };
    const onAbort = (): void => end({ kind: 'unknown', reason: 'no response in time' });
    socket.once('secureConnect', () => end({ kind: 'trusted' }));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code ?? 'failed';
      end({ kind: certificateError.test(reason) ? 'refused' : 'unknown', reason });
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
  });
}
