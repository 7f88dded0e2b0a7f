// The request to the PCRF that ends a session. Used by its client, and by `swob disconnect --dry-run`.

import type { WifiSession } from './model.ts';

/**
 * Order and spelling are those of the existing service; every value is encoded as one parameter. Undefined for a lone
 * surrogate, which cannot be encoded.
 */
export function disconnectPath({ sessionId, nasIp, vrf, clientMac }: WifiSession): string | undefined {
  try {
    const [session, nas, vrfName, mac] = [sessionId, nasIp, vrf, clientMac].map(encodeURIComponent);
    return `/account/disconnect?session=${session}&nas_ip=${nas}&vrf=${vrfName}&single=false&mac=${mac}&remove_mac=true`;
  } catch {
    return undefined;
  }
}
