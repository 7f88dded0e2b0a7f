// Advice for a phone URL that only this machine can reach. Used by `sync qr` and `sms invite`.

import { machineAddress } from '../../app/machine-address.ts';
import type { Config } from '../../config/schema.ts';

/** The configuration that makes the gateway reachable for phones; undefined when the URL is not a loopback address. */
export function loopbackAdvice(url: string, { api }: Config): string | undefined {
  const { hostname } = new URL(url.replace(/^app(s?):/, 'http$1:'));
  if (!isLoopback(hostname)) return undefined;
  const address = machineAddress();
  // Without a network there is no better address to suggest.
  const reachable = isLoopback(address) ? '<address of this machine>' : address;
  const lines =
    api.public_url === ''
      ? `[api]\nhost = 0.0.0.0\npublic_host = ${reachable}`
      : `[api]\npublic_url = ${new URL(api.public_url).protocol}//${reachable}:${api.port}`;
  return `note: phones cannot reach ${hostname}, a loopback address; set this in the gateway's configuration, and restart it:\n${lines}`;
}

export function isLoopback(hostname: string): boolean {
  return /^(?:127\.\d+\.\d+\.\d+|\[::1\]|(?:.*\.)?localhost\.?)$/i.test(hostname);
}
