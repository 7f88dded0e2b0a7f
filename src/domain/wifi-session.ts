// The claims that name a Wi-Fi session, checked and made canonical. Used by the disconnect service and by
// `swob jwt verify`.

import { SwobError } from '../errors.ts';
import type { WifiSession } from './model.ts';

export interface WifiSessionRules {
  /** Whether a NAS of this address may be named; absent where each may. */
  readonly nasAllowed?: (ip: string) => boolean;
}

type Claims = Readonly<Record<string, unknown>>;
/** Takes note of what is wrong with a claim; the value that stands in for it is never used. */
type Refuse = (fault: string) => '';

const maxSessionId = 64;
const maxText = 255;

/** The session that the claims of a verified token name. Throws UNAUTHENTICATED with every claim that is wrong. */
export function wifiSessionOf(claims: Claims, rules: WifiSessionRules = {}): WifiSession {
  const { session, faults } = checkWifiSession(claims, rules);
  if (faults.length === 0) return session;
  throw new SwobError('UNAUTHENTICATED', `token refused: ${faults.join(', ')}`);
}

/** The same without throwing: `session` means something only when there are no faults. */
export function checkWifiSession(
  claims: Claims,
  rules: WifiSessionRules = {},
): { readonly session: WifiSession; readonly faults: readonly string[] } {
  const faults: string[] = [];
  const refuse: Refuse = (fault) => {
    faults.push(fault);
    return '';
  };
  const session = {
    sessionId: sessionIdOf(claims.sessionId, refuse),
    nasIp: textOf('nasIp', claims.nasIp, refuse),
    vrf: textOf('vrf', Number.isSafeInteger(claims.vrf) ? String(claims.vrf) : claims.vrf, refuse),
    clientMac: macOf(claims.clientMac, refuse),
  };
  if (session.nasIp !== '' && rules.nasAllowed?.(session.nasIp) === false) {
    refuse('nasIp is not in [disconnect] nas_allow');
  }
  return { session, faults };
}

function sessionIdOf(value: unknown, refuse: Refuse): string {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && value >= 0) return String(value);
    return refuse('sessionId is a number that JSON does not keep whole (0 to 2^53 is); sign it as text');
  }
  const text = textOf('sessionId', value, refuse);
  if (text === '') return text;
  if (text.length > maxSessionId) return refuse(`sessionId is longer than ${maxSessionId} characters`);
  return /^[\x20-\x7e]+$/.test(text) ? text : refuse('sessionId has characters that are not ASCII');
}

function textOf(name: string, value: unknown, refuse: Refuse): string {
  if (value === undefined || value === null) return refuse(`${name} is missing`);
  if (typeof value !== 'string') return refuse(`${name} is not text`);
  if (value.trim() === '') return refuse(`${name} is empty`);
  if (value.length > maxText) return refuse(`${name} is longer than ${maxText} characters`);
  // Half a surrogate pair cannot be percent-encoded.
  if (/[\p{Cc}\p{Surrogate}]/u.test(value)) return refuse(`${name} has control characters`);
  return value;
}

/** `fc-45-96-5f-50-ac`, `fc:45:96:5f:50:ac`, Cisco's `fc45.965f.50ac`, `fc45965f50ac`; in any case. */
const macForms =
  /^(?:[0-9a-f]{2}(?:([-:])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}|[0-9a-f]{12})$/i;

function macOf(value: unknown, refuse: Refuse): string {
  if (value === undefined || value === null) return refuse('clientMac is missing');
  if (typeof value !== 'string' || !macForms.test(value)) return refuse('clientMac is not a MAC address');
  const octets = value.replace(/[-:.]/g, '').toUpperCase().match(/../g) ?? [];
  if (octets.every((octet) => octet === '00')) return refuse('clientMac is all zeros');
  // The lowest bit of the first octet marks groups, broadcast among them.
  if (Number.parseInt(octets[0] ?? '', 16) % 2 === 1) return refuse('clientMac is a multicast address');
  return octets.join('-');
}
