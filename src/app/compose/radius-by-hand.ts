// Sends one Disconnect-Request without a service. Used by `swob radius disconnect`.

import type { Clock } from '../../domain/shared/ports.ts';
import type { WifiSession } from '../../domain/wifi/model.ts';
import { type NasProfileName, nasProfiles } from '../../domain/wifi/nas-profiles.ts';
import type { BackendResult } from '../../domain/wifi/ports.ts';
import { createRadiusClient } from '../../radius/client.ts';
import { disconnectAtNas } from '../../upstream/radius-nas.ts';

interface ByHand {
  /** Its nasIp is where the packet goes. */
  readonly session: WifiSession;
  readonly port: number;
  readonly sourceAddress: string;
  readonly profile: NasProfileName;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly secret: Buffer;
}

/** The signal ends the wait. */
export async function sendDisconnect(
  options: ByHand,
  clock: Clock,
  signal: AbortSignal,
): Promise<BackendResult> {
  const { session, profile, secret, ...target } = options;
  const client = createRadiusClient({ clock, random: Math.random });
  const close = (): void => void client.close();
  signal.addEventListener('abort', close);
  try {
    const nas = { ...target, profile: nasProfiles[profile], secret: () => secret };
    return await disconnectAtNas(client, nas, session, clock);
  } finally {
    signal.removeEventListener('abort', close);
    await client.close();
  }
}
