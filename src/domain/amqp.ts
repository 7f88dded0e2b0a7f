// Where an AMQP broker is, and what its errors mean, in words without its secrets. Used by the clients of the broker.

import { SwobError } from '../errors.ts';

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
 * Takes an `amqp:` or `amqps:` URL apart; without credentials they are guest's, without a path the vhost is `/`.
 * amqplib could do so too, but breaks passwords that are not ASCII. Throws CONFIG when it is no such URL.
 */
export function amqpAddress(url: string): AmqpAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const scheme = parsed?.protocol;
  if (!parsed || (scheme !== 'amqp:' && scheme !== 'amqps:') || parsed.hostname === '') {
    throw new SwobError('CONFIG', 'expected a URL of a broker such as amqp://localhost:5672/vhost');
  }
  const given = parsed.username !== '' || parsed.password !== '';
  return {
    protocol: scheme === 'amqp:' ? 'amqp' : 'amqps',
    hostname: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: Number(parsed.port) || ports[scheme],
    username: given ? decoded(parsed.username) : 'guest',
    password: given ? decoded(parsed.password) : 'guest',
    vhost: encodeURIComponent(decoded(parsed.pathname.slice(1)) || '/'),
  };
}

/** For messages: `127.0.0.1:5672`. */
export function brokerName({ hostname, port }: AmqpAddress): string {
  return `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that encodes nothing stands for itself.
    return text;
  }
}

export interface AmqpFailure {
  /** `credentials`: wrong user or password; `forbidden`: they give no right to this; `other`: anything else. */
  readonly kind: 'credentials' | 'forbidden' | 'other';
  /** `403 ACCESS-REFUSED`, `ECONNREFUSED`...: quotes nothing that the broker or amqplib wrote about the request. */
  readonly reason: string;
}

/** What an error of amqplib says. */
export function amqpFailure(error: unknown): AmqpFailure {
  const message = error instanceof Error ? error.message : '';
  const [, reply, name] = /\b(\d{3}) \(([A-Z-]+)\)/.exec(message) ?? [];
  if (reply !== undefined) return { kind: kindOf(reply, message), reason: `${reply} ${name}` };
  // A vhost that is not there, or not for this user: amqplib does not read the broker's words then.
  if (message.startsWith('Expected ConnectionOpenOk')) return { kind: 'forbidden', reason: 'vhost refused' };
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'string') return { kind: 'other', reason: code };
  return { kind: 'other', reason: knownWords(message) };
}

function kindOf(reply: string, message: string): AmqpFailure['kind'] {
  if (reply !== '403') return 'other';
  return message.startsWith('Handshake') ? 'credentials' : 'forbidden';
}

function knownWords(message: string): string {
  if (message.includes('ETIMEDOUT')) return 'ETIMEDOUT';
  if (message === 'Heartbeat timeout') return 'no heartbeat';
  return 'the connection was closed';
}
