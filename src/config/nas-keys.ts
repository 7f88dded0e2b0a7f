// The keys of [nas <name>] sections, and what must hold for them together. Part of the table in schema.ts.

import { isIP } from 'node:net';
import { networkKey, parseNetwork } from '../lib/networks.ts';
import { networks } from './address-types.ts';
import type { Config, NasConfig } from './schema.ts';
import { defineKey, duration, integer, oneOf, text, type ValueType } from './value-types.ts';

/** The names of domain/wifi/nas-profiles.ts; a test compares them. */
const profiles = ['generic', 'eltex', 'mikrotik', 'cisco', 'fortigate', 'ruckus', 'aruba', 'chilli'] as const;

const sourceType: ValueType<string> = {
  name: 'IP address',
  parse: (text) => {
    if (text !== '' && (isIP(text) === 0 || text.includes('%'))) throw new Error('expected an IP address');
    return text;
  },
  format: (value) => value,
};

export const nasKeys = {
  address: networks('Addresses and CIDR ranges of the NAS, as in nasIp of tokens; packets go to nasIp.'),
  vrf: text(
    '',
    'The vrf claim of its sessions; empty: any. A section with the vrf comes before one without.',
  ),
  secret_file: text(
    '',
    'File of the secret that swob and the NAS share (mode 0400); read again when it changes.',
  ),
  port: integer(3799, [1, 65_535], 'UDP port of the NAS for Disconnect and CoA; 1700 on some.'),
  source_address: defineKey(sourceType, '', 'Address to send from; empty: the system chooses.'),
  profile: oneOf(profiles, 'generic', 'Kind of NAS, which decides what is sent; see docs/radius.md.'),
  timeout: duration('5s', ['100ms', '1m'], 'How long to wait for an answer, retransmissions included.'),
  retries: integer(3, [0, 10], 'Retransmissions within that time.'),
};

/** What the sockets of the RADIUS client are bounded by. */
const maxSourceAddresses = 64;

/** One message per invalid combination, naming the keys. */
export function nasErrors({ nas, disconnect }: Config): string[] {
  const errors = nas.flatMap(sectionErrors);
  if (disconnect.backend !== 'pcrf' && nas.length === 0)
    errors.push(`[disconnect] backend = ${disconnect.backend} needs a [nas <name>] section for each NAS`);
  if (new Set(nas.map((each) => each.source_address)).size > maxSourceAddresses)
    errors.push(`[nas …] source_address: more than ${maxSourceAddresses} different ones`);
  return [...errors, ...ambiguityErrors(nas)];
}

function sectionErrors({ name, address, secret_file, source_address }: NasConfig): string[] {
  const errors: string[] = [];
  if (address.length === 0) errors.push(`[nas ${name}] needs address, such as 10.0.0.1 or 10.1.0.0/16`);
  if (secret_file === '') errors.push(`[nas ${name}] needs secret_file, the file of the shared secret`);
  const family = source_address === '' ? undefined : parseNetwork(source_address)?.family;
  const isOther = (each: string): boolean => parseNetwork(each)?.family !== family;
  if (family !== undefined && address.some(isOther))
    errors.push(`[nas ${name}] source_address and address are of different IP versions: use two sections`);
  return errors;
}

/** Two sections for the same network and VRF: nothing would decide between them. */
function ambiguityErrors(nas: readonly NasConfig[]): string[] {
  const owners = new Map<string, string>();
  return nas.flatMap(({ name, vrf, address }) =>
    address.flatMap((text) => {
      const network = parseNetwork(text);
      if (!network) return [];
      const key = JSON.stringify([networkKey(network), vrf]);
      const owner = owners.get(key);
      owners.set(key, name);
      if (owner === undefined) return [];
      const of = vrf === '' ? '' : ` with vrf = ${vrf}`;
      return [
        `[nas ${name}] address ${text}${of} is that of [nas ${owner}], too: remove it from one of them`,
      ];
    }),
  );
}

/** Whether the [nas …] sections are used: to end sessions, or for the secrets of accounting. */
export function usesNas({ disconnect }: Pick<Config, 'disconnect'>): boolean {
  return disconnect.backend !== 'pcrf' || disconnect.verify === 'accounting';
}

/** One message per section that nothing uses. */
export function nasWarnings(config: Config): string[] {
  return config.nas.length > 0 && !usesNas(config)
    ? ['the [nas …] sections are not used, because [disconnect] backend is pcrf: set it to radius or both']
    : [];
}
