// Checks that phones and Twilio can submit SMS in production. Used by `swob doctor`.

import type { Config } from '../../config/schema.ts';
import { type Finding, ok, warn } from '../../lib/finding.ts';

/** Whether the server of a URL has a certificate of a public authority for its host. */
export type ProbeCertificate = (
  url: string,
) => Promise<
  { readonly kind: 'trusted' } | { readonly kind: 'refused' | 'unknown'; readonly reason: string }
>;

/** Nothing in testing, where phones are stubs. */
export async function checkPhoneAccess(
  { api, api_ssl, twilio }: Config,
  probeCertificate: ProbeCertificate,
): Promise<Finding[]> {
  if (api.state !== 'production') return [];
  const findings = [await checkTls(api.public_url, api_ssl.crt !== '', probeCertificate)];
  if (twilio.auth_token === '') {
    // Not a warning, because nothing shows whether Twilio is meant to be used.
    const detail =
      '[twilio] auth_token is empty: webhooks of Twilio get 403; set it if numbers of Twilio receive SMS';
    findings.push(ok('Twilio', detail));
  }
  return findings;
}

async function checkTls(
  publicUrl: string,
  hasCertificate: boolean,
  probeCertificate: ProbeCertificate,
): Promise<Finding> {
  const check = 'TLS for phones';
  const advice =
    'set [api] public_url to the https address of a proxy that terminates TLS (docs/phones.md), or set crt and key in [api_ssl]';
  const refuse = 'phones refuse to forward SMS without TLS';
  if (/^http:/i.test(publicUrl)) return warn(check, `[api] public_url is ${publicUrl}: ${refuse}`, advice);
  if (publicUrl === '' && !hasCertificate)
    return warn(check, `the gateway serves plain http, and [api] public_url is empty: ${refuse}`, advice);
  if (publicUrl === '') return ok(check, 'https with the certificate of [api_ssl]');
  const probe = await probeCertificate(publicUrl);
  if (probe.kind === 'trusted') return ok(check, `${publicUrl} has a certificate that phones trust`);
  // No warning: a machine often cannot reach its own public address.
  if (probe.kind === 'unknown')
    return ok(
      check,
      `${publicUrl}, whose certificate could not be checked from this machine: ${probe.reason}`,
    );
  return warn(
    check,
    `phones refuse the certificate of ${publicUrl}: ${probe.reason}`,
    'renew it, or have the proxy send the full chain of a certificate of a public authority for this name',
  );
}
