// Certificates of TLS: readable, in date, and matching their keys. Used by `swob doctor`.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Config } from '../../config/schema.ts';
import type { ServiceName } from '../compose/world.ts';
import { type Finding, fail, ok, warn } from './finding.ts';
import { looseMode, textOf, unreadable } from './keys.ts';

const soonMs = 21 * 86_400_000;
const sections = { gateway: 'api_ssl', sync: 'websocket_ssl', disconnect: 'disconnect_ssl' } as const;

/** One finding for each service that has a certificate. */
export async function checkCertificates(
  config: Config,
  services: readonly ServiceName[],
  now: number,
): Promise<Finding[]> {
  const wanted = services.map((service) => sections[service]).filter((section) => config[section].crt !== '');
  return Promise.all(wanted.map((section) => checkOne(section, config[section], now)));
}

async function checkOne(
  section: string,
  { crt, key }: { readonly crt: string; readonly key: string },
  now: number,
): Promise<Finding> {
  const check = `[${section}]`;
  const [certificate, privateKey] = await Promise.all([textOf(crt), textOf(key)]);
  for (const [file, text] of [
    [crt, certificate],
    [key, privateKey],
  ] as const) {
    if (text instanceof Error) return unreadable(check, file, text);
    if (text === undefined)
      return fail(check, `${file} is not there`, `put it there, or empty crt and key in ${check}`);
  }
  const loose = await looseMode(check, key, 'read', '0600');
  try {
    const x509 = new X509Certificate(String(certificate));
    if (!x509.checkPrivateKey(createPrivateKey(String(privateKey)))) {
      return fail(check, `${key} is not the key of ${crt}`, 'renew both together');
    }
    const [from, to] = [Date.parse(x509.validFrom), Date.parse(x509.validTo)];
    if (now < from) return fail(check, `${crt} is valid from ${x509.validFrom} only`, 'look at the clock');
    if (now > to) return fail(check, `${crt} expired at ${x509.validTo}`, 'renew it; no restart is needed');
    if (loose) return loose;
    const days = Math.floor((to - now) / 86_400_000);
    if (to - now < soonMs)
      return warn(check, `${crt} expires in ${days} days`, 'renew it; no restart is needed');
    return ok(check, `${crt}, ${days} days left`);
  } catch {
    return fail(check, `${crt} or ${key} is damaged, or the key needs a passphrase`, 'renew both together');
  }
}
