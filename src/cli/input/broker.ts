// The developer and the broker of commands that act as a gateway phone. Used by `swob sms consume`, `swob sms outgoing token`,
// `swob stub phone` and playgrounds.

import { InvalidArgumentError } from 'commander';
import { type AmqpAddress, amqpAddress } from '../../amqp/address.ts';
import {
  authIdPattern,
  choosePhoneBinding,
  type PhoneBinding,
  type PhoneChoice,
} from '../../domain/outgoing/broker-names.ts';
import { SwobError } from '../../errors.ts';
import type { Context } from '../context.ts';

/** The address of the broker, without the credentials of [broker] url, which belong to swob. */
export async function findBroker(context: Context, url: string | undefined): Promise<AmqpAddress> {
  if (url !== undefined) {
    const { username, password } = new URL(url);
    if (username === '' && password === '') return amqpAddress(url);
    throw new SwobError('USAGE', '--url: pass credentials with --auth-id and --auth-key');
  }
  const { config } = await context.loadConfig();
  if (config.broker.url !== '') return amqpAddress(config.broker.url);
  throw new SwobError('CONFIG', 'no broker configured: set [broker] url, or pass --url');
}

export function parseBrokerUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^amqps?:$/.test(url.protocol) || url.hostname === '') {
    throw new InvalidArgumentError(
      'Expected a URL such as amqp://localhost:5672 or amqps://broker.example.org.',
    );
  }
  return text;
}

/** Throws USAGE, naming the option or argument. */
export function parseAuthId(authId: string, name = '--auth-id'): string {
  if (new RegExp(authIdPattern).test(authId)) return authId;
  throw new SwobError('USAGE', `${name}: not a valid auth id`);
}

/** The exchange, queue and key of a phone. Throws USAGE, naming the option. */
export function findPhoneBinding(authId: string, choice: PhoneChoice): PhoneBinding {
  const chosen = choosePhoneBinding(authId, choice);
  if ('fault' in chosen) throw new SwobError('USAGE', `--${chosen.member}: ${chosen.fault}`);
  return chosen;
}
