// The address of an AMQP broker and the meaning of its errors, without secrets. Used by the clients of the broker.

import { SwobError } from '../errors.ts';
import { bracketHost, decodeUrlPart, unbracketHost } from '../lib/net.ts';

/** The parts of an AMQP URL, as amqplib takes them. */
export interface AmqpAddress {
  readonly protocol: 'amqp' | 'amqps';
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** Percent-encoded. */
  readonly vhost: string;
}

const ports = { 'amqp:': 5672, 'amqps:': 5671 } as const;

/**
 * Splits an `amqp:` or `amqps:` URL; the default credentials are guest's, and the default vhost is `/`.
 * amqplib could do so too, but breaks passwords that are not ASCII. Throws CONFIG for any other URL.
 */
export function amqpAddress(url: string): AmqpAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const scheme = parsed?.protocol;
  if (!parsed || (scheme !== 'amqp:' && scheme !== 'amqps:') || parsed.hostname === '') {
    throw new SwobError('CONFIG', 'expected a URL of a broker such as amqp://localhost:5672/vhost');
  }
  const hasCredentials = parsed.username !== '' || parsed.password !== '';
  return {
    protocol: scheme === 'amqp:' ? 'amqp' : 'amqps',
    hostname: unbracketHost(parsed.hostname),
    port: Number(parsed.port) || ports[scheme],
    username: hasCredentials ? decodeUrlPart(parsed.username) : 'guest',
    password: hasCredentials ? decodeUrlPart(parsed.password) : 'guest',
    vhost: encodeURIComponent(decodeUrlPart(parsed.pathname.slice(1)) || '/'),
  };
}

/** For messages: `127.0.0.1:5672`. */
export function brokerName({ hostname, port }: AmqpAddress): string {
  return `${bracketHost(hostname)}:${port}`;
}

export interface AmqpFailure {
  /** `credentials`: wrong user or password; `forbidden`: they lack this permission; `other`: anything else. */
  readonly kind: 'credentials' | 'forbidden' | 'other';
  /** `403 ACCESS-REFUSED`, `ECONNREFUSED`...: quotes nothing that the broker or amqplib wrote about the request. */
  readonly reason: string;
}

/** Classifies an error of amqplib. */
export function amqpFailure(error: unknown): AmqpFailure {
  const message = error instanceof Error ? error.message : '';
  const [, reply, name] = /\b(\d{3}) \(([A-Z-]+)\)/.exec(message) ?? [];
  if (reply !== undefined) return { kind: kindOf(reply, message), reason: `${reply} ${name}` };
  // The vhost does not exist, or not for this user: amqplib does not read the broker's message then.
  if (message.startsWith('Expected ConnectionOpenOk')) return { kind: 'forbidden', reason: 'vhost refused' };
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'string') return { kind: 'other', reason: code };
  return { kind: 'other', reason: reasonIn(message) };
}

function kindOf(reply: string, message: string): AmqpFailure['kind'] {
  if (reply !== '403') return 'other';
  return message.startsWith('Handshake') ? 'credentials' : 'forbidden';
}

function reasonIn(message: string): string {
  if (message.includes('ETIMEDOUT')) return 'ETIMEDOUT';
  if (message === 'Heartbeat timeout') return 'no heartbeat';
  return 'the connection was closed';
}
