// Cross-field validation of [store] for a store in Redis. Used by adapter.ts.

import type { Config } from '../../config/schema.ts';
import { parseRedisUrl, type RedisStoreUrl } from './url.ts';

type StoreSettings = Config['store'];

/** One message per invalid combination, naming the keys. */
export function redisSettingErrors(store: StoreSettings): string[] {
  const url = parseRedisUrl(store.url);
  return [...credentialErrors(store, url), ...modeErrors(store, url)];
}

function credentialErrors(store: StoreSettings, url: RedisStoreUrl): string[] {
  const errors: string[] = [];
  const passwords = [
    ...(url.password === undefined ? [] : ['the password in url']),
    ...(['password', 'password_file'] as const).filter((name) => store[name] !== ''),
  ];
  if (passwords.length > 1) errors.push(`[store] ${passwords.join(' and ')} exclude each other: keep one`);
  if (url.user !== undefined && store.user !== '')
    errors.push('[store] the user in url and user exclude each other: keep one');
  if ((url.user !== undefined || store.user !== '') && passwords.length === 0)
    errors.push('[store] user needs password or password_file');
  return errors;
}

function modeErrors(store: StoreSettings, url: RedisStoreUrl): string[] {
  const errors: string[] = [];
  if (store.ca !== '' && !url.tls)
    errors.push('[store] ca is only for TLS: start url with rediss, or remove ca');
  if (store.sentinel_password !== '' && url.mode !== 'sentinel')
    errors.push(
      '[store] sentinel_password is only for Sentinel: remove it, or set url to a redis+sentinel URL',
    );
  return errors;
}
