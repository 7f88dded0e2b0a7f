// How the disconnect service would judge a token, and what it would send to whom, without sending it. Used by
// `swob disconnect --explain` and `--dry-run`, and by the console.

import { readFile } from 'node:fs/promises';
import { pcrfServers } from '../config/pcrf-keys.ts';
import type { Config } from '../config/schema.ts';
import { createTokenVerifier } from '../crypto/jwt.ts';
import { parseToken } from '../crypto/jwt-format.ts';
import { keyFileText } from '../crypto/key-text.ts';
import { readTokenSecret, readVerificationKey } from '../crypto/token-keys.ts';
import type { Clock } from '../domain/shared/ports.ts';
import type { Explanation } from '../domain/wifi/explanation.ts';
import type { WifiSession } from '../domain/wifi/model.ts';
import { describeIdentifiers, missingClaims, nasProfiles } from '../domain/wifi/nas-profiles.ts';
import { createNasTable } from '../domain/wifi/nas-table.ts';
import { disconnectPath, sessionPath } from '../domain/wifi/pcrf-path.ts';
import { checkWifiSession } from '../domain/wifi/session-claims.ts';
import { describeReadError, SwobError } from '../errors.ts';
import { createIpMatcher } from '../http/ip-matcher.ts';
import { bracketHost } from '../lib/net.ts';

/** In the order in which they are shown. */
const claimNames = [
  'iss',
  'aud',
  'iat',
  'nbf',
  'exp',
  'sub',
  'sessionId',
  'nasIp',
  'vrf',
  'clientMac',
  'clientIp',
] as const;
const maxValue = 80;

/** Throws CONFIG when the key or the secret of [validation] cannot be read. */
export async function explainDisconnect(config: Config, token: string, clock: Clock): Promise<Explanation> {
  const { disconnect, validation } = config;
  const verifier = createTokenVerifier({
    ...(await readKeys(validation)),
    algorithms: validation.algorithms,
    issuer: validation.issuer,
    audience: validation.audience,
    leewayMs: validation.leeway,
    leewaySetting: '[validation] leeway',
    maxLifetimeMs: validation.max_lifetime,
    clock,
  });
  const { claims: verified, errors } = verifier.check(token);
  const parts = parseToken(token);
  const claims = verified ?? (typeof parts === 'string' ? {} : parts.payload);
  const { session, faults } = checkWifiSession(claims, {
    emptyVrf: disconnect.empty_vrf,
    ...(disconnect.backend !== 'pcrf' && {
      nasKnown: (ip, vrf) => createNasTable(config.nas).find(ip, vrf) !== undefined,
    }),
    ...(disconnect.nas_allow.length > 0 && {
      nasAllowed: createIpMatcher(disconnect.nas_allow, '[disconnect] nas_allow'),
    }),
  });
  const all = verified ? [...errors, ...faults] : [];
  const valid = verified !== undefined && all.length === 0;
  // Only RADIUS sends these, and only when they are usable.
  const ignored = new Set<string>();
  if (disconnect.backend !== 'pcrf' && session.userName === undefined) ignored.add('sub');
  if (disconnect.backend !== 'pcrf' && session.clientIp === undefined) ignored.add('clientIp');
  return {
    valid,
    faults: verified ? [] : errors,
    claims: claimNames.map((name) => ({
      name,
      value: (JSON.stringify(claims[name]) ?? '-').slice(0, maxValue),
      faults: all.filter((fault) => new RegExp(`\\b${name}\\b`).test(fault)),
      ...(ignored.has(name) && claims[name] !== undefined && { ignored: true as const }),
    })),
    calls: valid ? callsFor(config, session) : [],
  };
}

async function readKeys({ algorithms, public_key, secret_file }: Config['validation']) {
  const needsKey = algorithms.some((algorithm) => algorithm !== 'HS256');
  return {
    key: needsKey ? readVerificationKey(await readKeyFile('public_key', public_key), public_key) : undefined,
    secret:
      secret_file === ''
        ? undefined
        : readTokenSecret(await readKeyFile('secret_file', secret_file), secret_file),
  };
}

async function readKeyFile(name: string, file: string): Promise<string> {
  try {
    return keyFileText(await readFile(file));
  } catch (error) {
    throw new SwobError('CONFIG', `[validation] ${name}: cannot read ${file}: ${describeReadError(error)}`);
  }
}

function callsFor({ disconnect, pcrf, nas }: Config, session: WifiSession): string[] {
  const { backend, verify } = disconnect;
  const calls: string[] = [];
  if (backend !== 'radius') {
    const [first, ...others] = pcrfServers(pcrf).map(({ host, port }) => `${bracketHost(host)}:${port}`);
    const failover = others.length === 0 ? '' : ` (when it cannot be reached: ${others.join(', ')})`;
    calls.push(`pcrf: GET http://${first}${disconnectPath(session) ?? ''}${failover}`);
  }
  if (backend !== 'pcrf') calls.push(`radius: ${radiusCall(nas, session)}`);
  if (verify === 'pcrf')
    calls.push(`verify: GET ${sessionPath(pcrf.session_path, session) ?? ''} at the PCRF`);
  if (verify === 'accounting') calls.push(`verify: wait for the Accounting-Stop of ${session.sessionId}`);
  return calls;
}

function radiusCall(nas: Config['nas'], session: WifiSession): string {
  const { nasIp, vrf } = session;
  const found = createNasTable(nas).find(nasIp, vrf);
  // Tokens for other addresses are refused.
  if (!found) return 'nothing';
  const profile = nasProfiles[found.profile];
  const label = `[nas ${found.name}], profile ${found.profile}`;
  const missing = missingClaims(profile, session);
  if (missing !== undefined) return `nothing, as ${label} needs ${missing} to find the session`;
  const sent = describeIdentifiers(profile, session).join(', ');
  return `Disconnect-Request to ${bracketHost(nasIp)}:${found.port} (${label}) with ${sent}`;
}

/** A line for each claim, and one for each call. Holds no token. */
export function explanationLines({ valid, faults, claims, calls }: Explanation): string[] {
  return [
    faults.length === 0 ? 'signature: valid' : `token: ${faults.join(', ')}; its claims are not verified`,
    ...claims.map((claim) => `${claim.name}: ${claim.value}${verdictOf(claim, faults)}`),
    ...calls,
    ...(valid ? [] : ['nothing would be sent: the token is refused']),
  ];
}

function verdictOf(
  { value, faults: wrong, ignored }: Explanation['claims'][number],
  faults: readonly string[],
): string {
  if (wrong.length > 0) return `  refused: ${wrong.join(', ')}`;
  if (faults.length > 0 || value === '-') return '';
  return ignored ? '  ignored: RADIUS cannot send it' : '  ok';
}
