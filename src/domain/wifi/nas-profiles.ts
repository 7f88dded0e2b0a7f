// What the NAS of each vendor needs in a Disconnect-Request, and what it cannot do, as a table. Used by the RADIUS backend, the
// configuration's documentation and `swob radius`.

import type { WifiSession } from './model.ts';

/** An attribute that names a session or a NAS, by its meaning. */
export type NasIdentifier = 'userName' | 'sessionId' | 'mac' | 'clientIp' | 'nasIp';

export interface NasProfile {
  /** In the order in which they are sent. */
  readonly identifiers: readonly NasIdentifier[];
  /** Identifiers without which the NAS finds no session. */
  readonly needs: readonly NasIdentifier[];
  /** The form of Calling-Station-Id: the character between its octets; upper case everywhere. */
  readonly macSeparator: '-' | ':' | '';
  /** The Service-Type to send, if the NAS needs one. */
  readonly serviceType?: number;
  /** Where a device stays known after its session has ended: a disconnect by RADIUS does not remove it there. */
  readonly keeps: string;
}

/** RFC 2865, section 5.6. */
const serviceTypeLogin = 1;

/**
 * Sources, by vendor:
 * - generic: RFC 5176, section 3; the MAC address in the form of RFC 3580, section 3.21
 * - eltex: the same, as no list of the attributes that an ESR accepts is published; compare with the Accounting-Start of yours
 * - mikrotik: wiki.mikrotik.com, Manual:RADIUS_Client; packetfence issue 7703 and daloradius issue 31: a HotSpot host is found by
 *   Framed-IP-Address, and a User-Name that looks like a MAC address names a wireless station instead
 * - cisco: "RFC 5176 Compliance" of the IOS security guides, such as Catalyst 2960-XR: Acct-Session-Id and Calling-Station-Id are
 *   supported, others may be refused with 401
 * - fortigate: Fortinet technical tips 230043 and 198689, packetfence issue 7415: User-Name and Framed-IP-Address together
 * - ruckus: packetfence issue 3004: ZoneDirector wants a Service-Type
 * - aruba: "aaa rfc-3576-server" of the ArubaOS reference: user-name, framed-ip-address, calling-station-id, acct-session-id; the
 *   others are ignored
 * - chilli: `cb_radius_coa_ind` in chilli.c: User-Name is required, Acct-Session-Id narrows it to one session
 */
export const nasProfiles = {
  generic: {
    identifiers: ['userName', 'sessionId', 'mac', 'nasIp'],
    needs: [],
    macSeparator: '-',
    keeps: 'the NAS',
  },
  eltex: {
    identifiers: ['userName', 'sessionId', 'mac', 'nasIp'],
    needs: [],
    macSeparator: '-',
    keeps: 'the PCRF, which backend = both calls as well',
  },
  mikrotik: {
    identifiers: ['userName', 'sessionId', 'mac', 'clientIp', 'nasIp'],
    needs: ['userName'],
    macSeparator: ':',
    keeps: 'the HotSpot cookies of the router (/ip hotspot cookie)',
  },
  cisco: {
    identifiers: ['sessionId', 'mac'],
    needs: [],
    macSeparator: '-',
    keeps: 'the AAA server, which may let it in again by its MAC address',
  },
  fortigate: {
    identifiers: ['userName', 'clientIp', 'sessionId', 'mac'],
    needs: ['userName', 'clientIp'],
    macSeparator: '-',
    keeps: 'the FortiGate, if its portal allows MAC authentication',
  },
  ruckus: {
    identifiers: ['userName', 'sessionId', 'mac', 'nasIp'],
    needs: [],
    macSeparator: '-',
    serviceType: serviceTypeLogin,
    keeps: 'the controller, if its WLAN bypasses the portal for known MAC addresses',
  },
  aruba: {
    identifiers: ['userName', 'clientIp', 'mac', 'sessionId'],
    needs: [],
    macSeparator: '',
    keeps: 'the user table of the controller, if its portal caches MAC addresses',
  },
  chilli: {
    identifiers: ['userName', 'sessionId', 'mac', 'nasIp'],
    needs: ['userName'],
    macSeparator: '-',
    keeps: 'CoovaChilli, if macauth is on',
  },
} as const satisfies Readonly<Record<string, NasProfile>>;

export type NasProfileName = keyof typeof nasProfiles;

// Safe cast: these are the keys of the table.
export const nasProfileNames = Object.keys(nasProfiles) as NasProfileName[];

/** The claim that each identifier comes from, and its attribute. */
const names: Readonly<Record<NasIdentifier, readonly [claim: string, attribute: string]>> = {
  userName: ['sub', 'User-Name'],
  sessionId: ['sessionId', 'Acct-Session-Id'],
  mac: ['clientMac', 'Calling-Station-Id'],
  clientIp: ['clientIp', 'Framed-IP-Address'],
  nasIp: ['nasIp', 'NAS-IP-Address'],
};

/** The values to send for a session, in their order. */
export function identifiersOf(
  profile: NasProfile,
  { userName, sessionId, clientMac, clientIp, nasIp }: WifiSession,
): (readonly [NasIdentifier, string])[] {
  const values: Readonly<Record<NasIdentifier, string | undefined>> = {
    userName,
    sessionId,
    mac: clientMac.replaceAll('-', profile.macSeparator),
    clientIp,
    nasIp,
  };
  return profile.identifiers.flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [[name, value] as const];
  });
}

/** The attributes that name a session, for operators: `User-Name = alice`. */
export function describeIdentifiers(profile: NasProfile, session: WifiSession): string[] {
  return identifiersOf(profile, session).map(([name, value]) => {
    const [, attribute] = names[name];
    const isIpv6 = (name === 'clientIp' || name === 'nasIp') && value.includes(':');
    return `${isIpv6 ? attribute.replace('IP-', 'IPv6-') : attribute} = ${value}`;
  });
}

/** What the token lacks for this NAS; undefined when it has everything. */
export function missingClaims(profile: NasProfile, session: WifiSession): string | undefined {
  const present = new Set(identifiersOf(profile, session).map(([name]) => name));
  const missing = profile.needs.filter((name) => !present.has(name));
  return missing.length === 0
    ? undefined
    : missing.map((name) => `${names[name][0]} (${names[name][1]})`).join(' and ');
}

/** The sentence for clients about what `remove_mac` of the PCRF does and RADIUS does not. */
export function notRemoved({ keeps }: NasProfile): string {
  return `the MAC address was not removed from ${keeps}`;
}
