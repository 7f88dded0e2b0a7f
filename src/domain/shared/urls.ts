// URLs of the services. Built from the configuration and the bound ports only, never from the headers of a request.

import { bracketHost } from '../../lib/net.ts';

/** The URLs of the services, known once they listen; without a trailing slash. */
export interface ServiceUrls {
  /** e.g. `http://127.0.0.1:6969` */
  gateway(): string;
  /** e.g. `ws://127.0.0.1:6996` */
  sync(): string;
}

/** The URL of a service from its parts; an IPv6 host is put in brackets. */
export function serviceUrl(protocol: 'http' | 'https' | 'ws' | 'wss', host: string, port: number): string {
  return `${protocol}://${bracketHost(host)}:${port}`;
}

/** The websocket URL that a web page or terminal opens. */
export function initUrl(sync: string, userId: string, sessionId: string): string {
  return `${sync}/v2/sync/init/${encodeURIComponent(userId)}/${encodeURIComponent(sessionId)}`;
}

/** The path of a session on the gateway, used in the verification URL of phones. */
export function sessionPath(userId: string, sessionId: string): string {
  return `/v2/sync/users/${encodeURIComponent(userId)}/sessions/${encodeURIComponent(sessionId)}`;
}

/**
 * The handshake URL of a QR code in its two forms, for any scanner and for the phone app. Both include the port,
 * because the app builds its own URL from the host and Java's `getPort()`, which is -1 without one.
 */
export function handshakeUrls(gateway: string, userId: string, sessionId: string) {
  const url = `${withPort(gateway)}${sessionPath(userId, sessionId)}/handshake`;
  return { qr_url: url, mobile_url: url.replace(/^http/, 'app') };
}

/** `scheme://host` with the default port of its scheme if it has no port. */
function withPort(origin: string): string {
  if (/:\d+$/.test(origin)) return origin;
  return `${origin}:${/^https:/i.test(origin) ? 443 : 80}`;
}

/** The URL of an upstream system from its configuration; the host may start with `https://`. */
export function upstreamUrl(at: {
  readonly host: string;
  readonly port: number;
  readonly endpoint: string;
}): string {
  const host = at.host.replace(/^https:\/\//, '');
  return `${serviceUrl(host === at.host ? 'http' : 'https', host, at.port)}${at.endpoint}`;
}
