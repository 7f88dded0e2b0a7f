// Builds the configured NAS of the disconnect service from the [nas <name>] sections, and the RADIUS backend.

import { usesNas } from '../../config/nas-keys.ts';
import type { Config } from '../../config/schema.ts';
import { nasProfiles } from '../../domain/wifi/nas-profiles.ts';
import { createNasTable, type NasEntry, type NasTable } from '../../domain/wifi/nas-table.ts';
import type { DisconnectBackend } from '../../domain/wifi/ports.ts';
import { createRadiusClient } from '../../radius/client.ts';
import { createRadiusBackend, type NasTarget } from '../../upstream/radius-nas.ts';
import { watchNasSecrets } from '../nas-secret-watcher.ts';
import type { Runtime } from './context.ts';

/** For requests that are still running when their clients have disconnected. */
const drainMs = 2_000;
/** Of the stop's budget, after requests have taken all other time. */
const reserveMs = 250;

export type ConfiguredNas = NasTarget & NasEntry;

/** Undefined when neither [disconnect] backend nor verify uses them. Throws CONFIG when a secret cannot be read. */
export async function buildNasTable(
  config: Config,
  runtime: Runtime,
): Promise<NasTable<ConfiguredNas> | undefined> {
  const { nas } = config;
  if (!usesNas(config)) return undefined;
  const secrets = await watchNasSecrets(nas, runtime);
  runtime.lifecycle.defer('NAS secrets', secrets.stop);
  return createNasTable(
    nas.map((each) => ({
      name: each.name,
      address: each.address,
      vrf: each.vrf,
      port: each.port,
      sourceAddress: each.source_address,
      profile: nasProfiles[each.profile],
      timeoutMs: each.timeout,
      retries: each.retries,
      secret: () => secrets.of(each.secret_file),
    })),
  );
}

interface RadiusParts {
  readonly backend: DisconnectBackend;
  /** Whether a NAS is configured for that address and VRF. */
  isKnown(nasIp: string, vrf: string): boolean;
  /** Milliseconds that one disconnect may take: the wait for an identifier, and that for the answer. */
  readonly maxMs: number;
}

/** Undefined when [disconnect] backend is pcrf. */
export function buildRadius(
  { disconnect, nas }: Config,
  { clock, lifecycle, metrics }: Runtime,
  table: NasTable<ConfiguredNas> | undefined,
): RadiusParts | undefined {
  if (disconnect.backend === 'pcrf' || !table) return undefined;
  const client = createRadiusClient({ clock, random: Math.random });
  lifecycle.defer('RADIUS requests', (deadline) => client.close(deadline.atMost(drainMs)), reserveMs);
  metrics.radius(client.dropped);
  return {
    backend: metrics.radiusCalls(createRadiusBackend({ client, find: table.find, clock }), clock),
    isKnown: (nasIp, vrf) => table.find(nasIp, vrf) !== undefined,
    maxMs: 2 * Math.max(...nas.map(({ timeout }) => timeout)),
  };
}
