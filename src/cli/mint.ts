// The claims of a token from options, signed as the doors service signs them. Used by `swob jwt mint` and
// `swob disconnect`.

import type { Command } from 'commander';
import { signToken, type TokenAlgorithm } from '../crypto/jwt.ts';
import { readSigningKey } from '../crypto/verification-key.ts';
import { SwobError } from '../errors.ts';
import type { Context } from './context.ts';
import { algorithmOption, durationArgument, readTokenKey } from './token-files.ts';

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

/** The commander names of these options, for telling which were given. */
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

/** The documented sample token is good for this long. */
const defaultExpiresMs = 20 * 3_600_000;

export function addMintOptions(command: Command): Command {
  return command
    .option('--key <file>', 'RSA private key (PEM) to sign with; for HS256 a file with the secret')
    .addOption(algorithmOption('what to sign with'))
    .option('--sub <name>', 'who asks (sub)')
    .option('--auth <role>', 'a role such as ROLE_ADMIN (auth); repeatable', collect)
    .option('--session <id>', 'Wi-Fi session (sessionId)')
    .option('--nas-ip <address>', 'address of the NAS (nasIp)')
    .option('--vrf <vrf>', 'VRF (vrf)')
    .option('--mac <mac>', "the user's MAC address (clientMac)")
    .option('--claim <name=json>', 'any other claim; repeatable', collect)
    .option('--expires <duration>', 'time from iat to exp (default: 20h)', durationArgument);
}

export interface Minted {
  readonly token: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Claims are signed as given: bad ones make the tokens that tests of a refusal need. */
export async function mint(context: Context, options: MintOptions): Promise<Minted> {
  const { key: file, alg } = options;
  if (file === undefined) throw new SwobError('USAGE', '--key is missing: the file of the key to sign with');
  const claims = claimsOf(options, Math.floor(context.io.clock.now() / 1000));
  const key = await readTokenKey(context, file, alg, readSigningKey);
  return { token: signToken(claims, key, alg), claims: JSON.parse(claims) };
}

/** The claims as JSON text, in which --claim stands as it was given: with every digit and every member. */
function claimsOf(options: MintOptions, now: number): string {
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
        `--claim ${name} and ${option ?? 'another --claim'} contradict each other`,
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
      `--claim ${name}: the value is not JSON; text needs quotes: '${name}="text"'`,
    );
  }
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}
