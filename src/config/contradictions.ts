// Settings that are each well formed but cannot hold together.

import { resolve } from 'node:path';
import type { Config } from './schema.ts';
import { storeFaults } from './store-faults.ts';

/** One line for each contradiction, naming the keys. */
export function contradictions(config: Config): string[] {
  const faults: string[] = [];
  for (const section of ['api_ssl', 'websocket_ssl', 'disconnect_ssl'] as const) {
    const { crt, key } = config[section];
    if ((crt === '') !== (key === ''))
      faults.push(`[${section}] crt and key go together: set both or neither`);
  }
  faults.push(...publicFaults(config));
  if (
    URL.canParse(config.user_management_api.api_url) &&
    new URL(config.user_management_api.api_url).username
  ) {
    faults.push(
      '[user_management_api] api_url goes to phones with every logo: it must not hold a user or password',
    );
  }
  const keys = config.security;
  if (keys.public_key_filepath === keys.private_key_filepath) {
    faults.push('[security] public_key_filepath and private_key_filepath name the same file');
  }
  const pool = config['pcrf.pool'];
  if (pool.min > pool.max) faults.push(`[pcrf.pool] min = ${pool.min} is more than max = ${pool.max}`);
  return [
    ...faults,
    ...tokenFaults(config.validation),
    ...loggingFaults(config.logging),
    ...storeFaults(config.store),
  ];
}

function publicFaults(config: Config): string[] {
  const { api, websocket } = config;
  if (api.public_host !== '') {
    return api.public_url === ''
      ? []
      : ['[api] public_url and public_host exclude each other: public_url holds the host already'];
  }
  if (api.state !== 'production') return [];
  const faults: string[] = [];
  const wildcard = (section: string, host: string): void => {
    faults.push(
      `[${section}] host = ${host} needs [${section}] public_url or [api] public_host in production: clients cannot call a wildcard`,
    );
  };
  if (api.public_url === '' && isWildcard(api.host)) wildcard('api', api.host);
  if (websocket.public_url === '' && isWildcard(syncHost(config))) wildcard('websocket', syncHost(config));
  return faults;
}

function tokenFaults(validation: Config['validation']): string[] {
  const faults: string[] = [];
  const { algorithms, public_key, secret_file } = validation;
  if (algorithms.includes('HS256') && secret_file === '')
    faults.push('[validation] algorithms names HS256, which needs a secret_file');
  if (secret_file !== '' && !algorithms.includes('HS256'))
    faults.push('[validation] secret_file is for HS256 only, which algorithms does not name');
  if (secret_file !== '' && resolve(secret_file) === resolve(public_key))
    faults.push('[validation] secret_file and public_key name the same file: a public key is no secret');
  return faults;
}

function loggingFaults(logging: Config['logging']): string[] {
  const faults: string[] = [];
  if (logging.gelf_level !== 'off' && logging.gelf_host === '')
    faults.push(`[logging] gelf_level = ${logging.gelf_level} needs a gelf_host to send to`);
  if (logging.accumulated_size < logging.max_file_size)
    faults.push('[logging] accumulated_size is less than max_file_size, and one file counts as well');
  return faults;
}

/** An address that listens on every interface and that no client can call. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '';
}

/** The host of the sync websocket as its URLs name it; with TLS it may be another one. */
export function syncHost({ websocket, websocket_ssl }: Config): string {
  return (websocket_ssl.crt !== '' && websocket_ssl.host) || websocket.host;
}
