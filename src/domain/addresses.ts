// The URLs that clients get. Made from configuration and real ports only, never from a request's headers.

/** Where the services can be reached, known once they listen. Without a trailing slash. */
export interface Addresses {
  /** e.g. `http://127.0.0.1:6969` */
  gateway(): string;
  /** e.g. `ws://127.0.0.1:6996` */
  sync(): string;
}

/** The address of one service from its parts; an IPv6 host gets its brackets. */
export function serviceUrl(protocol: 'http' | 'https' | 'ws' | 'wss', host: string, port: number): string {
  return `${protocol}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The websocket URL that a web page or terminal opens. */
export function initUrl(sync: string, userId: string, sessionId: string): string {
  return `${sync}/v2/sync/init/${encodeURIComponent(userId)}/${encodeURIComponent(sessionId)}`;
}

/** The path of a session on the gateway: the verification URL that phones get. */
export function sessionPath(userId: string, sessionId: string): string {
  return `/v2/sync/users/${encodeURIComponent(userId)}/sessions/${encodeURIComponent(sessionId)}`;
}

/** The two forms of the handshake URL that a QR code shows: for any scanner, and for the phone app. */
export function handshakeUrls(gateway: string, userId: string, sessionId: string) {
  const path = `${sessionPath(userId, sessionId)}/handshake`;
  return { qr_url: `${gateway}${path}`, mobile_url: `${gateway.replace(/^http/, 'app')}${path}` };
}

/** The URL of a system that we call, from its configuration; `https://` may stand before the host. */
export function upstreamUrl(at: {
  readonly host: string;
  readonly port: number;
  readonly endpoint: string;
}): string {
  const host = at.host.replace(/^https:\/\//, '');
  return `${serviceUrl(host === at.host ? 'http' : 'https', host, at.port)}${at.endpoint}`;
}
