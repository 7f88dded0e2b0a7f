// The call that ends a session at the PCRF. Used by the baselines of C6.

interface Session {
  readonly sessionId: string;
  readonly nasIp: string;
  readonly vrf: string;
  readonly clientMac: string;
}

export function pcrfPath({ sessionId, nasIp, vrf, clientMac }: Session): string {
  const query = new URLSearchParams({
    session: sessionId,
    nas_ip: nasIp,
    vrf,
    single: 'false',
    mac: clientMac,
    remove_mac: 'true',
  });
  return `/account/disconnect?${query}`;
}
