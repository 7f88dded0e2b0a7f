// Cross-field validation: settings that are valid on their own but not in combination. Used by load.ts.

import { resolve } from 'node:path';
import { bracketHost, canonicalIpv6 } from '../lib/net.ts';
import { nasErrors } from './nas-keys.ts';
import { pcrfErrors } from './pcrf-keys.ts';
import type { Config } from './schema.ts';

/** One message per invalid combination, naming the keys. */
export function crossFieldErrors(config: Config): string[] {
  const errors: string[] = [];
  for (const section of ['api_ssl', 'websocket_ssl', 'disconnect_ssl'] as const) {
    const { crt, key } = config[section];
    if ((crt === '') !== (key === ''))
      errors.push(`[${section}] crt and key belong together: set both or neither`);
  }
  errors.push(...publicUrlErrors(config));
  const { username, password } = new URL(config.user_management_api.api_url);
  if (username !== '' || password !== '') {
    errors.push(
      '[user_management_api] api_url is sent to phones with every logo URL: remove the user and password from it',
    );
  }
  return [
    ...errors,
    ...sameFileErrors(config.security),
    ...pcrfErrors(config),
    ...validationErrors(config.validation),
    ...loggingErrors(config.logging),
    ...reliabilityErrors(config),
    ...relayErrors(config),
    ...outgoingErrors(config.outgoing),
    ...nasErrors(config),
  ];
}

/** One file would be taken for the other, and an error about its content would advise to delete it. */
function sameFileErrors(security: Config['security']): string[] {
  const files = Object.entries(security).map(([key, file]) => ({ key, path: resolve(file) }));
  return files.flatMap(({ key, path }, index) =>
    files
      .slice(index + 1)
      .filter((other) => other.path === path)
      .map((other) => `[security] ${key} and ${other.key} name the same file: choose two files`),
  );
}

function publicUrlErrors(config: Config): string[] {
  const { api, websocket } = config;
  if (api.public_host !== '') {
    return api.public_url === ''
      ? []
      : [
          '[api] public_url and public_host exclude each other: remove public_host, since public_url contains the host',
        ];
  }
  if (api.state !== 'production') return [];
  const errors: string[] = [];
  const wildcard = (section: string, host: string): void => {
    errors.push(
      `[${section}] host = ${host} needs [${section}] public_url or [api] public_host in production: clients cannot reach a wildcard address`,
    );
  };
  if (api.public_url === '' && isWildcard(api.host)) wildcard('api', api.host);
  if (websocket.public_url === '' && isWildcard(syncHost(config))) wildcard('websocket', syncHost(config));
  return errors;
}

function validationErrors(validation: Config['validation']): string[] {
  const errors: string[] = [];
  const { algorithms, public_key, secret_file } = validation;
  if (algorithms.includes('HS256') && secret_file === '')
    errors.push('[validation] algorithms contains HS256, which needs secret_file');
  if (secret_file !== '' && !algorithms.includes('HS256'))
    errors.push('[validation] secret_file is only for HS256: add HS256 to algorithms, or remove secret_file');
  if (secret_file !== '' && resolve(secret_file) === resolve(public_key))
    errors.push('[validation] secret_file and public_key name the same file: a public key is not a secret');
  return errors;
}

/** A payload that is relayed to this gateway would count as published. */
function relayErrors({ relay, api }: Config): string[] {
  if (relay.url === '') return [];
  const { hostname, port, protocol, origin } = new URL(relay.url);
  const isPublicUrl = api.public_url !== '' && new URL(api.public_url).origin === origin;
  const hosts = [api.host, api.public_host].map((host) => bracketHost(host).toLowerCase());
  const defaultPort = protocol === 'https:' ? 443 : 80;
  const isOwnAddress =
    (port === '' ? defaultPort : Number(port)) === api.port &&
    [...hosts, 'localhost', '127.0.0.1', '[::1]'].includes(hostname);
  if (!isPublicUrl && !isOwnAddress) return [];
  return ['[relay] url is the address of this gateway: set it to that of a RelaySMS Publisher'];
}

function loggingErrors(logging: Config['logging']): string[] {
  const errors: string[] = [];
  if (logging.gelf_level !== 'off' && logging.gelf_host === '')
    errors.push(`[logging] gelf_level = ${logging.gelf_level} needs gelf_host`);
  if (logging.accumulated_size < logging.max_file_size)
    errors.push('[logging] accumulated_size is less than max_file_size: it must hold at least one log file');
  return errors;
}

const minPaceWindowMs = 1_000;
/** Stores keep counts for a day. */
const maxPaceWindowMs = 86_400_000;

function outgoingErrors({ rate, daily, max_waiting, max_messages }: Config['outgoing']): string[] {
  const errors: string[] = [];
  if (max_waiting > max_messages)
    errors.push(
      '[outgoing] max_waiting is above max_messages: an SMS that waits is lost when its state is evicted; raise max_messages, or lower max_waiting',
    );
  for (const [key, limit] of Object.entries({ rate, daily })) {
    if (limit !== 'off' && (limit.windowMs < minPaceWindowMs || limit.windowMs > maxPaceWindowMs))
      errors.push(`[outgoing] ${key} needs a window from 1s to 1d, such as 20/1m`);
  }
  if (rate === 'off' || daily === 'off') return errors;
  if (daily.windowMs <= rate.windowMs)
    errors.push('[outgoing] daily needs a longer window than rate: exchange them, or remove one');
  return errors;
}

const minTestIntervalMs = 60_000;

function reliabilityErrors({ reliability: { every, auth_id }, broker }: Config): string[] {
  if (every === 0) return [];
  const errors: string[] = [];
  if (every < minTestIntervalMs)
    errors.push('[reliability] every is less than 1m: every round sends an SMS to each gateway client');
  if (broker.url === '')
    errors.push(
      '[reliability] every needs [broker] url, since its SMS go through the broker: set it, or remove every',
    );
  if (auth_id === '')
    errors.push(
      '[reliability] every needs auth_id: name a developer whose gateway phones send SMS, or remove every',
    );
  return errors;
}

/** Whether the address listens on all interfaces, so that no client can use it in a URL. */
export function isWildcard(host: string): boolean {
  // Also as `::0`; only IPv6 has colons, and parsing an address is slow.
  return host === '0.0.0.0' || host === '' || (host.includes(':') && canonicalIpv6(host) === '::');
}

/** The host in the URLs of the sync websocket; with TLS it can be configured separately. */
export function syncHost({ websocket, websocket_ssl }: Config): string {
  return (websocket_ssl.crt !== '' && websocket_ssl.host) || websocket.host;
}
