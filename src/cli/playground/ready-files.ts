// The ready files of playgrounds, by which other commands find those of this user that run. Used by `playground start`,
// `playground env` and create.ts.

import { accessSync, constants, existsSync } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runtimeFolder } from '../../config/environment.ts';
import { parseWifiSession } from '../../domain/wifi/session-claims.ts';
import { describeReadError, SwobError, systemErrorCode } from '../../errors.ts';
import { isObject, tryParseJson } from '../../lib/json.ts';
import { type Playground, playgroundParts } from './playground.ts';

/** Where a playground that names no ready file writes one; one for each process, so that none hides another. */
export function defaultReadyFile(): string {
  return join(sharedFolder(), `${filePrefix()}${process.pid}.json`);
}

/** The ready file in the folder of a playground, by which the scripts of that playground find it. */
export function readyFileIn(folder: string): string {
  return join(folder, 'ready.json');
}

/**
 * The ready file of the playground to which the environment belongs, else of the only one that this user is running. Throws
 * UNREACHABLE when none is running, and USAGE, listing them, when several are.
 * @param ownFolder PLAYGROUND_FOLDER
 */
export async function findReadyFile(
  ownFolder: string | undefined,
  warn: (text: string) => void,
): Promise<string> {
  if (ownFolder !== undefined) {
    const file = readyFileIn(ownFolder);
    if (existsSync(file)) return file;
    warn(`the playground of PLAYGROUND_FOLDER=${ownFolder} has ended; looking for another one`);
  }
  const files = await runningReadyFiles();
  const [file, ...others] = files;
  if (file === undefined) {
    throw new SwobError('UNREACHABLE', 'no playground is running; start one with `swob playground`');
  }
  if (others.length === 0) return file;
  const options = await Promise.all(
    files.map(async (each) => `  --ready-file ${each}  gateway ${await gatewayOf(each)}`),
  );
  throw new SwobError(
    'USAGE',
    `${files.length} playgrounds are running; name one of them:\n${options.sort().join('\n')}`,
  );
}

async function runningReadyFiles(): Promise<string[]> {
  const prefix = filePrefix();
  const found: string[] = [];
  for (const name of await readdir(sharedFolder())) {
    const pid = name.startsWith(prefix)
      ? /^(\d{1,10})\.json$/.exec(name.slice(prefix.length))?.[1]
      : undefined;
    if (pid === undefined || !isRunning(Number(pid))) continue;
    const file = join(sharedFolder(), name);
    const facts = await lstat(file).catch(() => undefined);
    // Every user may write to a temporary folder.
    if (facts?.isFile() && facts.uid === ownUid()) found.push(file);
  }
  return found;
}

async function gatewayOf(file: string): Promise<string> {
  return readPlayground(file).then(
    ({ urls }) => urls.gateway,
    () => 'unknown',
  );
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}

/** The temporary folder where that of the session does not exist, as in a container, or is another user's, as with sudo. */
function sharedFolder(): string {
  const folder = runtimeFolder();
  return folder !== undefined && isUsable(folder) ? folder : tmpdir();
}

function isUsable(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Not of `userInfo`, which fails for a user without a name, as containers have. */
function ownUid(): number {
  return process.geteuid?.() ?? 0;
}

function filePrefix(): string {
  return `swob-playground-${ownUid()}-`;
}

/** As in the ready file of other commands: `{"gateway":{"url":…},…}`, and the files of the playground. */
export function readyContent(playground: Playground): object {
  const { urls, nas, session, outgoing, folder, config, adminTokenFile, jwtPrivateKey } = playground;
  const parts = Object.fromEntries(playgroundParts.map((name) => [name, { url: urls[name] }]));
  return {
    ...parts,
    nas: { url: urls.nas, ...nas },
    ...(outgoing && { phone: { url: outgoing.phoneUrl }, outgoing }),
    session,
    folder,
    config,
    adminTokenFile,
    jwtPrivateKey,
  };
}

/** Throws UNREACHABLE when no playground is running, REFUSED when the file is another user's, CONFIG when it cannot be read. */
export async function readPlayground(file: string): Promise<Playground> {
  const text = await readOwnFile(file).catch((error: unknown) => {
    if (error instanceof SwobError) throw error;
    if (systemErrorCode(error) === 'ENOENT') throw notRunning(file);
    throw new SwobError('CONFIG', `cannot read ${file}: ${describeReadError(error)}`, { cause: error });
  });
  const content = tryParseJson(text);
  const playground = isObject(content) ? parsePlayground(content) : undefined;
  if (!playground) throw new SwobError('REFUSED', `${file} is not the ready file of a playground`);
  return playground;
}

/** Throws REFUSED when it is another user's. */
async function readOwnFile(file: string): Promise<string> {
  const handle = await open(file);
  try {
    // Scripts evaluate what this command prints, and every user may write to a temporary folder. Of the open file, because another one
    // may be at its path later.
    if ((await handle.stat()).uid !== ownUid())
      throw new SwobError('REFUSED', `${file} belongs to another user; name your own with --ready-file`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
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
  const outgoing = parseOutgoing(content.outgoing);
  const files = { folder, config, adminTokenFile, jwtPrivateKey };
  return { urls, nas: { radius, secretFile }, session, ...files, ...(outgoing && { outgoing }) };
}

function parseOutgoing(value: unknown): Playground['outgoing'] {
  if (!isObject(value)) return undefined;
  const { authId, authKeyFile, statusUrl, statusTokenFile, phoneUrl } = value;
  if (typeof authId !== 'string' || typeof authKeyFile !== 'string') return undefined;
  if (typeof statusUrl !== 'string' || typeof statusTokenFile !== 'string') return undefined;
  return typeof phoneUrl === 'string'
    ? { authId, authKeyFile, statusUrl, statusTokenFile, phoneUrl }
    : undefined;
}

function notRunning(file: string): SwobError {
  return new SwobError(
    'UNREACHABLE',
    `no playground is running: ${file} does not exist; start one with \`swob playground\``,
  );
}
