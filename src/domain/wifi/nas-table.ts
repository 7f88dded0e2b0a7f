// Finds the configured NAS of a session by its address and VRF. Used by the disconnect service and `swob radius`.

import { contains, type Network, networkAround, networkKey, parseNetwork } from '../../lib/networks.ts';

/** What the table needs to know of a configured NAS. */
export interface NasEntry {
  /** Addresses and CIDR ranges. */
  readonly address: readonly string[];
  /** Empty: that of any session. */
  readonly vrf: string;
}

export interface NasTable<T extends NasEntry> {
  /** The NAS of a session; undefined when none is configured for that address and VRF. */
  find(nasIp: string, vrf: string): T | undefined;
  /** All that are configured for that address, whatever their VRF. */
  at(address: string): readonly T[];
}

/**
 * Sections that name the VRF come before those that name none, because an address of a VRF is another one than the same address
 * elsewhere. Among them the longest prefix wins.
 */
export function createNasTable<T extends NasEntry>(entries: readonly T[]): NasTable<T> {
  const rows = entries
    .flatMap((entry) =>
      entry.address.flatMap((address) => {
        const network = parseNetwork(address);
        return network ? [{ entry, network }] : [];
      }),
    )
    .sort((a, b) => rank(b) - rank(a));
  // For `at`, which anybody can cause with a datagram: as many steps as there are different prefixes.
  const byNetwork = new Map<string, T[]>();
  for (const { entry, network } of rows) {
    const key = networkKey(network);
    byNetwork.set(key, [...(byNetwork.get(key) ?? []), entry]);
  }
  const prefixes = new Map(rows.map(({ network }) => [`${network.family} ${network.prefix}`, network]));

  return {
    find: (nasIp, vrf) => {
      const address = parseNetwork(nasIp);
      if (!address) return undefined;
      const matches = ({ entry, network }: (typeof rows)[number]): boolean =>
        (entry.vrf === '' || entry.vrf === vrf) && contains(network, address);
      return rows.find(matches)?.entry;
    },
    at: (text) => {
      const address = parseNetwork(text);
      if (!address) return [];
      const networks = [...prefixes.values()].filter(({ family }) => family === address.family);
      const found = networks.flatMap(
        ({ prefix }) => byNetwork.get(networkKey(networkAround(address, prefix))) ?? [],
      );
      return [...new Set(found)];
    },
  };
}

/** The highest comes first. Longer than any prefix, so that the VRF decides before it. */
function rank({ entry, network }: { readonly entry: NasEntry; readonly network: Network }): number {
  return (entry.vrf === '' ? 0 : 1_000) + network.prefix;
}
