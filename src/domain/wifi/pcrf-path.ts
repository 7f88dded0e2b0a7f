// The requests to the PCRF: the one that ends a session, and the query for one. Used by its client, the configuration, and
// `swob disconnect --dry-run`.

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

/** `[pcrf] session_path` with its placeholders replaced, each encoded as one value. Undefined as above. */
export function sessionPath(
  template: string,
  { sessionId, nasIp, vrf, clientMac }: WifiSession,
): string | undefined {
  const values = new Map([
    ['{session}', sessionId],
    ['{nas_ip}', nasIp],
    ['{vrf}', vrf],
    ['{mac}', clientMac],
  ]);
  try {
    return template.replace(/\{[a-z_]+\}/g, (name) => encodeURIComponent(values.get(name) ?? name));
  } catch {
    return undefined;
  }
}
