// Settings of [store] that cannot hold together. Used by contradictions.ts.

import type { Config } from './schema.ts';
import { parseStoreUrl, type RedisStoreUrl } from './store-url.ts';

type StoreSettings = Config['store'];

/** Keys that say nothing unless the store is Redis. */
const redisOnly = ['user', 'password', 'password_file', 'sentinel_password', 'ca', 'replicas'] as const;

/** One line for each contradiction, naming the keys. */
export function storeFaults(store: StoreSettings): string[] {
  const url = parseStoreUrl(store.url);
  if (url.kind !== 'redis') {
    const set = redisOnly.filter((name) => store[name] !== '' && store[name] !== 0);
    return set.map((name) => `[store] ${name} is for Redis, and [store] url names none`);
  }
  return [...credentialFaults(store, url), ...modeFaults(store, url)];
}

function credentialFaults(store: StoreSettings, url: RedisStoreUrl): string[] {
  const faults: string[] = [];
  const passwords = [
    ...(url.password === undefined ? [] : ['the password in url']),
    ...(['password', 'password_file'] as const).filter((name) => store[name] !== ''),
  ];
  if (passwords.length > 1) faults.push(`[store] ${passwords.join(' and ')} exclude each other: keep one`);
  if (url.user !== undefined && store.user !== '')
    faults.push('[store] the user in url and user exclude each other: keep one');
  if ((url.user !== undefined || store.user !== '') && passwords.length === 0)
    faults.push('[store] user needs a password or a password_file');
  return faults;
}

function modeFaults(store: StoreSettings, url: RedisStoreUrl): string[] {
  const faults: string[] = [];
  if (store.ca !== '' && !url.tls) faults.push('[store] ca is for TLS only: let url begin with rediss');
  if (store.sentinel_password !== '' && url.mode !== 'sentinel')
    faults.push('[store] sentinel_password is for Sentinels only, which url does not name');
  return faults;
}
