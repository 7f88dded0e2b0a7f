// What the owner of a gateway phone types into DekuSMS, from the configuration. Used by `sms invite`.

import { type AmqpAddress, amqpAddress } from '../../amqp/address.ts';
import { serviceUrls } from '../../app/compose/urls.ts';
import type { Config } from '../../config/schema.ts';
import {
  authIdPattern,
  developerExchangeName,
  everyNetworkBinding,
} from '../../domain/outgoing/broker-names.ts';
import { SwobError } from '../../errors.ts';
import { isLoopback, loopbackAdvice } from './loopback-advice.ts';

/** The members are in the order of the screens of DekuSMS. */
export interface PhoneInvitation {
  /** The phone posts each SMS that it receives. */
  readonly forwarding: {
    readonly url: string;
    /** The number of the phone, in E.164 format; null when it is not given. */
    readonly tag: string | null;
  };
  /** The phone sends the SMS of a developer; null without a broker. */
  readonly sending: {
    readonly protocol: 'amqp';
    readonly host: string;
    readonly port: number;
    readonly username: string;
    /** Null unless it is to be shown. */
    readonly password: string | null;
    readonly virtual_host: string;
    readonly exchange: string;
    /** The form of the binding that the phone fills in for its SIM. */
    readonly binding: string;
    /** A binding for the SMS of every network. */
    readonly binding_of_all: string;
  } | null;
  /** What will not work, and how to fix it. */
  readonly warnings: readonly string[];
}

export interface InvitationOptions {
  readonly authId: string;
  /** Of the phone, in E.164 format. */
  readonly number?: string | undefined;
  readonly authKey?: string | undefined;
  /** Address of the broker for phones, `host` or `host:port`; by default that of [broker] url. */
  readonly broker?: string | undefined;
}

/** Throws USAGE for an auth id or a broker address that is not well formed. */
export function createInvitation(config: Config, options: InvitationOptions): PhoneInvitation {
  if (!new RegExp(authIdPattern).test(options.authId))
    throw new SwobError('USAGE', `${options.authId} is not a valid auth id`);
  const gateway = serviceUrls(config, {
    gateway: config.api.port,
    sync: config.websocket.port,
    disconnect: config.disconnect.port,
  }).public.gateway();
  const forwarding = { url: `${gateway}/v3/publish`, tag: options.number ?? null };
  const sending = sendingOf(config, options);
  return {
    forwarding,
    sending,
    warnings: [...urlWarnings(gateway, config), ...brokerWarnings(config, sending)],
  };
}

function sendingOf(
  { broker }: Config,
  { authId, authKey, broker: given }: InvitationOptions,
): PhoneInvitation['sending'] {
  if (broker.url === '') return null;
  const own = amqpAddress(broker.url);
  const { hostname, port } = given === undefined ? plainAddress(own) : parseBroker(given);
  const exchange = developerExchangeName(authId);
  return {
    protocol: 'amqp',
    host: hostname,
    port,
    username: authId,
    password: authKey ?? null,
    virtual_host: decodeURIComponent(own.vhost),
    exchange,
    binding: `${exchange}.<country code>.<MCC and MNC>`,
    binding_of_all: everyNetworkBinding(authId),
  };
}

/** With the port of plain AMQP, because DekuSMS connects without TLS. */
function plainAddress({ protocol, hostname, port }: AmqpAddress): Pick<AmqpAddress, 'hostname' | 'port'> {
  return { hostname, port: protocol === 'amqps' ? plainPort : port };
}

const plainPort = 5672;

function parseBroker(text: string): Pick<AmqpAddress, 'hostname' | 'port'> {
  const url = `amqp://${text}`;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (
    parsed &&
    parsed.hostname !== '' &&
    parsed.username === '' &&
    /^\/?$/.test(parsed.pathname) &&
    !parsed.search
  )
    return amqpAddress(url);
  throw new SwobError('USAGE', '--broker: expected a host and an optional port, such as mq.example.org:5672');
}

function urlWarnings(gateway: string, config: Config): string[] {
  const loopback = loopbackAdvice(gateway, config);
  if (loopback !== undefined) return [loopback.replace(/^note: /, '')];
  if (gateway.startsWith('https:')) return [];
  return [
    `DekuSMS refuses ${gateway}, because it is not https: set [api] public_url to the https address of a proxy, or a certificate in [api_ssl]`,
  ];
}

function brokerWarnings({ broker }: Config, sending: PhoneInvitation['sending']): string[] {
  if (!sending) return ['[broker] url is not set, so that phones cannot send SMS'];
  const warnings: string[] = [];
  if (isLoopback(sending.host))
    warnings.push(`phones cannot reach the broker at ${sending.host}: pass its public address with --broker`);
  if (amqpAddress(broker.url).protocol === 'amqps')
    warnings.push(
      'DekuSMS connects to the broker without TLS: open a plain listener for phones, in a VPN or with users of developers only',
    );
  return warnings;
}
