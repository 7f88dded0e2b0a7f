// The configuration of a playground, as a conf.ini. Used by playground.ts.

import { join } from 'node:path';
import { iniValue } from '../../config/ini-file.ts';
import { readSetOptions } from '../../config/sources.ts';
import { unbracketHost } from '../../lib/net.ts';

type Settings = Readonly<Record<string, Readonly<Record<string, string | number>>>>;

interface Files {
  readonly folder: string;
  readonly jwtPublicKey: string;
}

export type Backend = 'pcrf' | 'radius' | 'both';

interface Stubs {
  readonly users: string;
  readonly developer: string;
  readonly publisher: string;
  readonly pcrf: string;
  /** What ends Wi-Fi sessions. */
  readonly backend: Backend;
  readonly radius: { readonly address: string; readonly port: number; readonly secretFile: string };
}

/** Where the services listen. */
interface Addresses {
  readonly host: string;
  readonly gateway: number;
  readonly sync: number;
  readonly disconnect: number;
}

/** Everything that differs from the defaults: own files, own ports, the stubs, and no pause that a test would wait for. */
export function playgroundSettings(
  { folder, jwtPublicKey }: Files,
  stubs: Stubs,
  { host, ...ports }: Addresses,
): Settings {
  const addressOf = (url: string) => {
    const { hostname, port } = new URL(url);
    return { host: unbracketHost(hostname), port: Number(port) };
  };
  return {
    api: { host, port: ports.gateway },
    websocket: { host, port: ports.sync },
    disconnect: { host, port: ports.disconnect, ...(stubs.backend !== 'pcrf' && { backend: stubs.backend }) },
    store: { url: `file:${join(folder, 'data')}` },
    security: {
      public_key_filepath: join(folder, 'public.pem'),
      private_key_filepath: join(folder, 'private.pem'),
      admin_token_filepath: join(folder, 'admin.token'),
    },
    user_management_api: {
      api_url: stubs.users,
      verification_url: `${stubs.users}/v2/users/%s/verify`,
      platforms_url: `${stubs.users}/v2/users/%s/platforms`,
    },
    dev_api: {
      authentication_url: `${stubs.developer}/v1/authenticate`,
      auth_id: 'playground',
      auth_key: 'playground',
    },
    relay: { url: stubs.publisher },
    backend_publisher: addressOf(stubs.developer),
    publisher: { ...addressOf(stubs.publisher), retry_pause: '500ms', max_pause: '1s' },
    pcrf: addressOf(stubs.pcrf),
    // The configuration check warns of a NAS that is not used.
    ...(stubs.backend !== 'pcrf' && { 'nas playground': nasSection(stubs.radius) }),
    console: { pairing: 'on' },
    validation: { public_key: jwtPublicKey },
  };
}

function nasSection({ address, port, secretFile }: Stubs['radius']) {
  return { address, port, secret_file: secretFile };
}

const ports: ReadonlySet<string> = new Set(['api.port', 'websocket.port', 'disconnect.port']);

/**
 * The settings with those of `section.key=value` over them, so that commands that load the file find what the services run with; the
 * ports stay those that the services have got.
 */
export function withSetOptions(settings: Settings, setOptions: readonly string[]): Settings {
  const merged = { ...settings };
  for (const item of readSetOptions(setOptions)) {
    if (!('name' in item) || ports.has(item.name)) continue;
    const dot = item.name.lastIndexOf('.');
    const section = item.name.slice(0, dot);
    merged[section] = { ...merged[section], [item.name.slice(dot + 1)]: item.text };
  }
  return merged;
}

/** The text of a conf.ini. */
export function formatIni(settings: Settings): string {
  return Object.entries(settings)
    .map(([section, keys]) => {
      const lines = Object.entries(keys).map(([key, value]) => `${key} = ${iniValue(String(value))}\n`);
      return `[${section}]\n${lines.join('')}`;
    })
    .join('\n');
}
