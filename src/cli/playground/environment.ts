// The environment variables with which scripts reach a playground. Used by the `playground` commands and
// swob/testing.

import { createPrivateKey } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { signToken } from '../../crypto/jwt.ts';
import type { WifiSession } from '../../domain/wifi/model.ts';
import { readOutgoingSecrets } from './outgoing.ts';
import { type Playground, playgroundParts, playgroundUser, sampleSession } from './playground.ts';
import { sharedKeyFile } from './seed-data.ts';

/** Seconds for which the token of the disconnect service is valid. */
const tokenLifetime = 20 * 3_600;

/**
 * `SWOB_CONFIG`, which makes every swob command use the playground, and `PLAYGROUND_…` with URLs, keys and tokens.
 * @param now Unix time in milliseconds
 */
export async function playgroundEnvironment(
  { urls, folder, config, adminTokenFile, jwtPrivateKey, nas, session, outgoing }: Playground,
  now: number,
): Promise<Readonly<Record<string, string>>> {
  const [adminToken, key] = await Promise.all([
    readFile(adminTokenFile, 'utf8'),
    readFile(jwtPrivateKey, 'utf8'),
  ]);
  const sharedKey = sharedKeyFile(folder);
  return {
    SWOB_CONFIG: config,
    SWOB_PASSWORD: playgroundUser.password,
    ...Object.fromEntries(
      playgroundParts.map((name) => [`PLAYGROUND_${name.toUpperCase()}_URL`, urls[name]]),
    ),
    PLAYGROUND_NAS_RADIUS: nas.radius,
    PLAYGROUND_NAS_SECRET_FILE: nas.secretFile,
    ...(outgoing && (await outgoingVariables(outgoing))),
    PLAYGROUND_PAIRING_URL: pairingPageUrl(urls.gateway),
    PLAYGROUND_FOLDER: folder,
    PLAYGROUND_USER: playgroundUser.id,
    PLAYGROUND_MSISDN: playgroundUser.msisdn,
    PLAYGROUND_ADMIN_TOKEN: adminToken.trim(),
    PLAYGROUND_JWT_KEY: jwtPrivateKey,
    PLAYGROUND_JWT: signToken(JSON.stringify(sampleClaims(now, session)), createPrivateKey(key), 'RS256'),
    ...(existsSync(sharedKey) && { PLAYGROUND_SHARED_KEY: sharedKey }),
  };
}

async function outgoingVariables(
  outgoing: NonNullable<Playground['outgoing']>,
): Promise<Readonly<Record<string, string>>> {
  const { authKey, statusToken } = await readOutgoingSecrets(outgoing);
  return {
    PLAYGROUND_PHONE_URL: outgoing.phoneUrl,
    PLAYGROUND_AUTH_ID: outgoing.authId,
    PLAYGROUND_AUTH_KEY: authKey,
    PLAYGROUND_STATUS_URL: outgoing.statusUrl,
    PLAYGROUND_STATUS_TOKEN: statusToken,
  };
}

/** The page on which the user pairs a phone. */
export function pairingPageUrl(gateway: string): string {
  return `${gateway}/pair/${playgroundUser.id}`;
}

/** Of the documented sample token. @param now Unix time in milliseconds */
export function sampleClaims(now: number, session: WifiSession = sampleSession): object {
  const iat = Math.floor(now / 1_000);
  return {
    sub: 'user',
    auth: ['ROLE_USER'],
    iat,
    exp: iat + tokenLifetime,
    ...session,
  };
}

/** Commands of a POSIX shell that export the variables. */
export function shellExports(variables: Readonly<Record<string, string>>): string[] {
  return Object.entries(variables).map(([name, value]) => `export ${name}=${quote(value)}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
