// Warns of settings that are valid but probably a mistake. Used by load.ts.

import { nasWarnings } from './nas-keys.ts';
import { type Config, schema } from './schema.ts';

/** One message per warning, naming the keys. */
export function configWarnings(config: Config): string[] {
  return [...logoWarnings(config), ...publicUrlWarnings(config), ...nasWarnings(config)];
}

function logoWarnings({ user_management_api: api }: Config): string[] {
  const unset = schema.user_management_api.api_url.default;
  const here = new URL(unset).origin;
  const elsewhere = [api.verification_url, api.platforms_url].every((url) => new URL(url).origin !== here);
  if (api.api_url !== unset || !elsewhere) return [];
  return [
    `[user_management_api] api_url is still ${unset}, unlike verification_url and platforms_url: phones will request the platform logos from this machine`,
  ];
}

function publicUrlWarnings({ api, websocket }: Config): string[] {
  const [set, unset] = api.public_url === '' ? ['websocket', 'api'] : ['api', 'websocket'];
  if ((api.public_url === '') === (websocket.public_url === '') || api.public_host !== '') return [];
  return [
    `[${set}] public_url is set, [${unset}] public_url is not: clients receive URLs with its host and port`,
  ];
}
