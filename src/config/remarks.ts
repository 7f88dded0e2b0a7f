// Settings that are allowed and hardly meant: notes for `swob config check`. Used by load.ts.

import { type Config, schema } from './schema.ts';

/** One line for each, naming the keys. */
export function remarks(config: Config): string[] {
  return [...logoRemarks(config), ...publicUrlRemarks(config)];
}

function logoRemarks({ user_management_api: api }: Config): string[] {
  const unset = schema.user_management_api.api_url.default;
  const here = new URL(unset).origin;
  const elsewhere = [api.verification_url, api.platforms_url].every((url) => new URL(url).origin !== here);
  if (api.api_url !== unset || !elsewhere) return [];
  return [
    `[user_management_api] api_url is still ${unset}, unlike verification_url and platforms_url: the logos of platforms point at this machine`,
  ];
}

function publicUrlRemarks({ api, websocket }: Config): string[] {
  const [set, unset] = api.public_url === '' ? ['websocket', 'api'] : ['api', 'websocket'];
  if ((api.public_url === '') === (websocket.public_url === '') || api.public_host !== '') return [];
  return [`[${set}] public_url is set, [${unset}] public_url is not: clients get its own host and port`];
}
