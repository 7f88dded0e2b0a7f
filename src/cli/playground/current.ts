// The file by which other commands find the running playground of this user. Used by `playground start` and
// `playground env`.

import { readFile, stat } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { runtimeFolder } from '../../config/environment.ts';
import { parseWifiSession } from '../../domain/wifi/session-claims.ts';
import { SwobError, systemErrorCode } from '../../errors.ts';
import { isObject, tryParseJson } from '../../lib/json.ts';
import { type Playground, playgroundParts } from './playground.ts';

/** The default file; one for each user of the machine. */
export function currentPlaygroundFile(): string {
  return join(runtimeFolder() ?? tmpdir(), `swob-playground-${userInfo().uid}.json`);
}

/** As in the ready file of other commands: `{"gateway":{"url":…},…}`, and the files of the playground. */
export function readyContent(playground: Playground): object {
  const { urls, nas, session, folder, config, adminTokenFile, jwtPrivateKey } = playground;
  const parts = Object.fromEntries(playgroundParts.map((name) => [name, { url: urls[name] }]));
  return {
    ...parts,
    nas: { url: urls.nas, ...nas },
    session,
    folder,
    config,
    adminTokenFile,
    jwtPrivateKey,
  };
}

/** Throws UNREACHABLE when no playground is running, REFUSED when the file is another user's. */
export async function readCurrentPlayground(file: string): Promise<Playground> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') throw notRunning(file);
    throw error;
  });
  // Scripts evaluate what this command prints, and every user may write to a temporary folder.
  if ((await stat(file)).uid !== userInfo().uid) {
    throw new SwobError('REFUSED', `${file} belongs to another user; name your own with --ready-file`);
  }
  const content = tryParseJson(text);
  const playground = isObject(content) ? parsePlayground(content) : undefined;
  if (!playground) throw new SwobError('REFUSED', `${file} is not the ready file of a playground`);
  return playground;
}

function parsePlayground(content: Readonly<Record<string, unknown>>): Playground | undefined {
  const urlOf = (name: string): string | undefined => {
    const part = content[name];
    return isObject(part) && typeof part.url === 'string' ? part.url : undefined;
  };
  const { folder, config, adminTokenFile, jwtPrivateKey } = content;
  const { radius, secretFile } = isObject(content.nas) ? content.nas : {};
  const session = parseWifiSession(content.session);
  const [gateway, sync, disconnect, users, developer, publisher, pcrf, nas] = playgroundParts.map(urlOf);
  if (gateway === undefined || sync === undefined || disconnect === undefined) return undefined;
  if (users === undefined || developer === undefined || publisher === undefined) return undefined;
  if (pcrf === undefined || nas === undefined || session === undefined) return undefined;
  if (typeof radius !== 'string' || typeof secretFile !== 'string') return undefined;
  if (typeof folder !== 'string' || typeof config !== 'string') return undefined;
  if (typeof adminTokenFile !== 'string' || typeof jwtPrivateKey !== 'string') return undefined;
  const urls = { gateway, sync, disconnect, users, developer, publisher, pcrf, nas };
  return { urls, nas: { radius, secretFile }, session, folder, config, adminTokenFile, jwtPrivateKey };
}

function notRunning(file: string): SwobError {
  return new SwobError(
    'UNREACHABLE',
    `no playground is running: ${file} does not exist; start one with \`swob playground\``,
  );
}
