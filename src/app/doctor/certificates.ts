// Checks that TLS certificates are readable, valid and match their keys. Used by `swob doctor`.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Config } from '../../config/schema.ts';
import { type Finding, fail, ok, warn } from '../../lib/finding.ts';
import type { ServiceName } from '../compose/context.ts';
import { findTrustProblem } from './certificate-trust.ts';
import { checkMode, readConfigured } from './files.ts';

const expiresSoonMs = 21 * 86_400_000;
const sections = { gateway: 'api_ssl', sync: 'websocket_ssl', disconnect: 'disconnect_ssl' } as const;

/** One finding for each service that has a certificate. */
export async function checkCertificates(
  config: Config,
  services: readonly ServiceName[],
  now: number,
): Promise<Finding[]> {
  const wanted = services.map((service) => sections[service]).filter((section) => config[section].crt !== '');
  const production = config.api.state === 'production';
  return Promise.all(wanted.map((section) => checkSection(section, config[section], now, production)));
}

async function checkSection(
  section: string,
  { crt, key, pem }: { readonly crt: string; readonly key: string; readonly pem: string },
  now: number,
  production: boolean,
): Promise<Finding> {
  const check = `[${section}]`;
  const files = [crt, key, ...(pem === '' ? [] : [pem])];
  const contents = await Promise.all(files.map((file) => readConfigured(check, file, 'any')));
  for (const content of contents) {
    if (content.kind === 'unusable') return content.finding;
    if (content.kind === 'missing') {
      return fail(
        check,
        `${content.file} does not exist`,
        `put the file there, or leave crt and key in ${check} empty`,
      );
    }
  }
  const [certificate, privateKey, chain] = contents;
  if (certificate?.kind !== 'text' || privateKey?.kind !== 'text')
    throw new TypeError('a file was neither read nor reported');
  const modeFinding = checkMode(check, privateKey, 'read', '0600');
  try {
    const x509 = new X509Certificate(certificate.text);
    if (!x509.checkPrivateKey(createPrivateKey(privateKey.text))) {
      return fail(
        check,
        `${key} is not the key of ${crt}`,
        'replace certificate and key with a matching pair',
      );
    }
    if (chain?.kind === 'text' && !isCertificate(chain.text)) {
      return fail(
        check,
        `${pem} contains no certificate`,
        `put the chain there, or leave pem in ${check} empty`,
      );
    }
    const [from, to] = [Date.parse(x509.validFrom), Date.parse(x509.validTo)];
    if (now < from)
      return fail(check, `${crt} is not valid before ${x509.validFrom}`, 'check the clock of this machine');
    if (now > to) return fail(check, `${crt} expired on ${x509.validTo}`, 'renew it; no restart is needed');
    if (modeFinding) return modeFinding;
    const days = Math.floor((to - now) / 86_400_000);
    if (to - now < expiresSoonMs)
      return warn(check, `${crt} expires in ${days} days`, 'renew it; no restart is needed');
    const chainText = chain?.kind === 'text' ? [chain.text] : [];
    const problem = production ? findTrustProblem([certificate.text, ...chainText]) : undefined;
    if (problem !== undefined)
      return warn(
        check,
        `${crt} ${problem}: phones and browsers refuse it`,
        "use the full chain of a certificate of a public authority such as Let's Encrypt",
      );
    return ok(check, `${crt}, ${days} days left`);
  } catch {
    return fail(
      check,
      `${crt} or ${key} is damaged, or the key needs a passphrase`,
      'replace certificate and key with a matching pair',
    );
  }
}

function isCertificate(text: string): boolean {
  try {
    new X509Certificate(text);
    return true;
  } catch {
    return false;
  }
}
