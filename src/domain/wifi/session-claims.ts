// Validates the claims that identify a Wi-Fi session and brings them into canonical form. Used by the disconnect
// service and by `swob jwt verify`.

import { SwobError } from '../../errors.ts';
import { isObject } from '../../lib/json.ts';
import type { WifiSession } from './model.ts';

export interface WifiSessionRules {
  /** Whether a NAS address is allowed; if absent, all are. */
  readonly nasAllowed?: (ip: string) => boolean;
  /** Whether a NAS is configured for that address and VRF; if absent, none needs to be. */
  readonly nasKnown?: (ip: string, vrf: string) => boolean;
  /** Whether `vrf` may be empty, for sessions without a VRF. */
  readonly emptyVrf?: boolean;
}

type Claims = Readonly<Record<string, unknown>>;
/** Records a fault of a claim; the placeholder that it returns is never used. */
type Refuse = (fault: string) => '';

const maxSessionId = 64;
const maxText = 255;

/** The session of a verified token. Throws UNAUTHENTICATED with all faults of its claims. */
export function wifiSessionOf(claims: Claims, rules: WifiSessionRules = {}): WifiSession {
  const { session, faults } = checkWifiSession(claims, rules);
  if (faults.length === 0) return session;
  throw new SwobError('UNAUTHENTICATED', `token refused: ${faults.join(', ')}`);
}

/** A session that another process has written as JSON; undefined when it is malformed. */
export function parseWifiSession(value: unknown): WifiSession | undefined {
  if (!isObject(value)) return undefined;
  const { sessionId, nasIp, vrf, clientMac, userName, clientIp } = value;
  if (typeof sessionId !== 'string' || typeof nasIp !== 'string') return undefined;
  if (typeof vrf !== 'string' || typeof clientMac !== 'string') return undefined;
  return {
    sessionId,
    nasIp,
    vrf,
    clientMac,
    ...(typeof userName === 'string' && { userName }),
    ...(typeof clientIp === 'string' && { clientIp }),
  };
}

/** The same without throwing; `session` is valid only without faults. */
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
    nasIp: addressOf('nasIp', claims.nasIp, refuse),
    vrf: vrfOf(claims.vrf, rules, refuse),
    clientMac: macOf(claims.clientMac, refuse),
    ...optionalClaims(claims),
  };
  if (session.nasIp !== '' && rules.nasAllowed?.(session.nasIp) === false) {
    refuse('nasIp is not in [disconnect] nas_allow');
  }
  if (faults.length === 0 && rules.nasKnown?.(session.nasIp, session.vrf) === false) {
    refuse('no [nas …] section has its nasIp and vrf');
  }
  return { session, faults };
}

/** What RADIUS can send besides. These claims were never checked, so an unusable one is left out instead of refused. */
function optionalClaims({ sub, clientIp }: Claims): Pick<WifiSession, 'userName' | 'clientIp'> {
  const userName = usable((refuse) => textOf('sub', sub, refuse));
  const address = usable((refuse) => addressOf('clientIp', clientIp, refuse));
  return { ...(userName !== '' && { userName }), ...(address !== '' && { clientIp: address }) };
}

/** The value that `read` returns; empty when it refuses it. */
function usable(read: (refuse: Refuse) => string): string {
  let isRefused = false;
  const text = read(() => {
    isRefused = true;
    return '';
  });
  return isRefused ? '' : text;
}

function sessionIdOf(value: unknown, refuse: Refuse): string {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && value >= 0) return String(value);
    return refuse(
      'sessionId is a number that is not written in digits alone; sign it without sign, fraction and exponent, or as text',
    );
  }
  const text = textOf('sessionId', value, refuse);
  if (text === '') return text;
  if (text.length > maxSessionId) return refuse(`sessionId is longer than ${maxSessionId} characters`);
  return /^[\x20-\x7e]+$/.test(text) ? text : refuse('sessionId has characters that are not ASCII');
}

function vrfOf(value: unknown, { emptyVrf = false }: WifiSessionRules, refuse: Refuse): string {
  if (value !== '') return textOf('vrf', Number.isSafeInteger(value) ? String(value) : value, refuse);
  return emptyVrf ? value : refuse('vrf is empty, which [disconnect] empty_vrf does not allow');
}

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const dottedQuad = new RegExp(`^${octet}(?:\\.${octet}){3}$`);

/** An IPv4 address of four decimal numbers, or an IPv6 address without a zone: some parsers read `1.1.1` as 1.1.0.1. */
function addressOf(name: string, value: unknown, refuse: Refuse): string {
  const text = textOf(name, value, refuse);
  if (text === '' || dottedQuad.test(text)) return text;
  const isIpv6 = /^[0-9a-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]`);
  return isIpv6 ? text : refuse(`${name} is not an IP address`);
}

function textOf(name: string, value: unknown, refuse: Refuse): string {
  if (value === undefined || value === null) return refuse(`${name} is missing`);
  if (typeof value !== 'string') return refuse(`${name} is not text`);
  if (value.trim() === '') return refuse(`${name} is empty`);
  if (value.length > maxText) return refuse(`${name} is longer than ${maxText} characters`);
  // A lone surrogate cannot be percent-encoded.
  if (/[\p{Cc}\p{Surrogate}]/u.test(value)) return refuse(`${name} has control characters`);
  return value;
}

/** `fc-45-96-5f-50-ac`, `fc:45:96:5f:50:ac`, Cisco's `fc45.965f.50ac`, `fc45965f50ac`; in any case. */
const macForms =
  /^(?:[0-9a-f]{2}(?:([-:])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}|[0-9a-f]{12})$/i;

const canonicalForm = /^(?:[0-9A-F]{2}-){5}[0-9A-F]{2}$/;

/** `FC-45-96-5F-50-AC` for a MAC address in any spelling; undefined when the text is none. */
export function canonicalMac(text: string): string | undefined {
  // What tokens have.
  if (canonicalForm.test(text)) return text;
  if (!macForms.test(text)) return undefined;
  return text.replace(/[-:.]/g, '').toUpperCase().match(/../g)?.join('-');
}

function macOf(value: unknown, refuse: Refuse): string {
  if (value === undefined || value === null) return refuse('clientMac is missing');
  const mac = typeof value === 'string' ? canonicalMac(value) : undefined;
  if (mac === undefined) return refuse('clientMac is not a MAC address');
  if (mac === '00-00-00-00-00-00') return refuse('clientMac is all zeros');
  // The lowest bit of the first octet marks multicast addresses, including broadcast.
  return Number.parseInt(mac, 16) % 2 === 1 ? refuse('clientMac is a multicast address') : mac;
}
