// Finds out whether phones trust a certificate: they know the public authorities only, and fetch no missing certificate of
// a chain. Used by certificates.ts.

import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';

/** Longer chains do not exist in practice. */
const maxChain = 10;
/** Of one file. */
const maxCertificates = 50;

/**
 * Why clients that trust only `roots` refuse the certificate; undefined when they trust it.
 * @param pems the certificate first, then those of its chain in any order; each may contain several
 * @param roots by default those of Mozilla, as in Node; those of Android hardly differ
 */
export function findTrustProblem(
  pems: readonly string[],
  roots: readonly string[] = rootCertificates,
): string | undefined {
  const [leaf, ...others] = pems.flatMap(certificatesIn);
  if (!leaf) return undefined;
  if (isIssuedBy(leaf, leaf)) return 'is self-signed';
  let last = leaf;
  for (let length = 1; length < maxChain; length++) {
    const issuer = others.find((other) => other !== last && isIssuedBy(last, other));
    if (!issuer || isIssuedBy(issuer, issuer)) break;
    last = issuer;
  }
  const subject = last.issuer;
  const trusted = roots.some((pem) => {
    const root = new X509Certificate(pem);
    return root.subject === subject && isIssuedBy(last, root);
  });
  if (trusted) return undefined;
  return `leads to ${subject.split('\n').at(-1) ?? subject}, which is no public authority, or an intermediate certificate is missing`;
}

function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.slice(0, maxCertificates).map((block) => new X509Certificate(block));
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
