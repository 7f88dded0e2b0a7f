// Signs a token with the claims given as options, as the doors service does. Used by `swob jwt mint` and
// `swob disconnect`.

import type { Command } from 'commander';
import { signToken, type TokenAlgorithm } from '../../crypto/jwt.ts';
import { readSigningKey } from '../../crypto/token-keys.ts';
import { SwobError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { collectValues } from './collect-values.ts';
import { algorithmOption, parseDurationOption, readTokenKey } from './token-key.ts';

export interface MintOptions {
  readonly key?: string;
  readonly alg: TokenAlgorithm;
  readonly sub?: string;
  readonly auth?: readonly string[];
  readonly session?: string;
  readonly nasIp?: string;
  readonly vrf?: string;
  readonly mac?: string;
  /** `name=json` each. */
  readonly claim?: readonly string[];
  /** Milliseconds. */
  readonly expires?: number;
}

/** The commander names of these options, to find out which were given. */
export const mintOptionNames = [
  'key',
  'alg',
  'sub',
  'auth',
  'session',
  'nasIp',
  'vrf',
  'mac',
  'claim',
  'expires',
] as const;

/** The lifetime of the documented sample token. */
const defaultExpiresMs = 20 * 3_600_000;

export function addMintOptions(command: Command): Command {
  return command
    .option('--key <file>', 'file of the RSA private key (PEM) that signs; for HS256 a file with the secret')
    .addOption(algorithmOption('signature algorithm'))
    .option('--sub <name>', 'subject (sub)')
    .option('--auth <role>', 'role such as ROLE_ADMIN (auth); repeatable', collectValues)
    .option('--session <session-id>', 'id of the Wi-Fi session (sessionId)')
    .option('--nas-ip <address>', 'IP address of the NAS (nasIp)')
    .option('--vrf <vrf>', 'VRF (vrf)')
    .option('--mac <mac>', "the user's MAC address (clientMac)")
    .option('--claim <name=json>', 'any other claim; repeatable', collectValues)
    .option('--expires <duration>', 'lifetime from iat to exp (default: 20h)', parseDurationOption);
}

export interface MintedToken {
  readonly token: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Signs claims unvalidated, so that tests can mint tokens that must be rejected. */
export async function mintToken(context: Context, options: MintOptions): Promise<MintedToken> {
  const { key: file, alg } = options;
  if (file === undefined) throw new SwobError('USAGE', '--key is missing: name the file of the signing key');
  const claims = buildClaims(options, Math.floor(context.io.clock.now() / 1000));
  const key = await readTokenKey(context, file, alg, readSigningKey);
  return { token: signToken(claims, key, alg), claims: JSON.parse(claims) };
}

/** The claims as JSON text; values of --claim are copied verbatim, so that no digit and no duplicate member is lost. */
function buildClaims(options: MintOptions, now: number): string {
  const { sub, auth, session, nasIp, vrf, mac, claim = [], expires } = options;
  const named: [name: string, value: unknown, option: string][] = [
    ['sub', sub, '--sub'],
    ['auth', auth, '--auth'],
    ['exp', expires, '--expires'],
    ['nasIp', nasIp, '--nas-ip'],
    ['sessionId', session, '--session'],
    ['vrf', vrf, '--vrf'],
    ['clientMac', mac, '--mac'],
  ];
  const others = new Map<string, string>();
  for (const text of claim) {
    const [name, json] = parseClaim(text);
    const option = named.find(([taken, given]) => taken === name && given !== undefined)?.[2];
    if (option !== undefined || others.has(name)) {
      throw new SwobError(
        'USAGE',
        `--claim ${name} and ${option ?? 'another --claim'} exclude each other; give one of them`,
      );
    }
    others.set(name, json);
  }
  const issued: unknown = JSON.parse(others.get('iat') ?? String(now));
  const lifetime = (expires ?? defaultExpiresMs) / 1000;
  const own = {
    sub,
    auth,
    iat: now,
    exp: (typeof issued === 'number' ? issued : now) + lifetime,
    nasIp,
    sessionId: session,
    vrf,
    clientMac: mac,
  };
  const texts = Object.entries(own)
    .filter(([name, value]) => value !== undefined && !others.has(name))
    .map(([name, value]): [string, string] => [name, JSON.stringify(value)]);
  const members = [...texts, ...others].map(([name, json]) => `${JSON.stringify(name)}:${json}`);
  return `{${members.join(',')}}`;
}

function parseClaim(text: string): [name: string, json: string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new SwobError('USAGE', `--claim ${text}: expected name=json`);
  const name = text.slice(0, equals);
  try {
    const json = text.slice(equals + 1);
    JSON.parse(json);
    return [name, json];
  } catch {
    throw new SwobError(
      'USAGE',
      `--claim ${name}: the value is not JSON; put text in quotes: '${name}="text"'`,
    );
  }
}
