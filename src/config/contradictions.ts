// Settings that are each well formed but cannot hold together.

import type { Config } from './schema.ts';

/** One line for each contradiction, naming the keys. */
export function contradictions(config: Config): string[] {
  const faults: string[] = [];
  for (const section of ['api_ssl', 'websocket_ssl'] as const) {
    const { crt, key } = config[section];
    if ((crt === '') !== (key === ''))
      faults.push(`[${section}] crt and key go together: set both or neither`);
  }
  if (config.api.state === 'production' && config.api.public_host === '' && isWildcard(config.api.host)) {
    faults.push(
      `[api] host = ${config.api.host} needs [api] public_host in production: clients cannot call a wildcard`,
    );
  }
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
  return faults;
}

/** An address that listens on every interface and that no client can call. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '';
}
