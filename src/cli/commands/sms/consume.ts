// `swob sms consume`: receives a developer's outgoing SMS as a gateway phone of either kind would.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { brokerName } from '../../../amqp/address.ts';
import type { Verdict } from '../../../amqp/consumer.ts';
import { parseDuration } from '../../../config/value-types.ts';
import type { PhoneBinding } from '../../../domain/outgoing/broker-names.ts';
import { readClusterBody, readDekuBody } from '../../../domain/outgoing/message-bodies.ts';
import { SwobError } from '../../../errors.ts';
import type { Context } from '../../context.ts';
import { findBroker, findPhoneBinding, parseAuthId, parseBrokerUrl } from '../../input/broker.ts';
import { requireSecret } from '../../input/secret.ts';
import { toOutputError } from '../../interrupt.ts';
import type { Output } from '../../io.ts';

interface Options {
  readonly phone: 'gateway-client' | 'deku';
  readonly operator?: string;
  readonly binding?: string;
  readonly authId: string;
  readonly authKey?: string;
  readonly url?: string;
  readonly count?: number;
  /** Milliseconds. */
  readonly timeout?: number;
}

export function define(command: Command, context: Context): void {
  command
    .requiredOption('--auth-id <auth-id>', 'auth id of the developer')
    .addOption(
      new Option(
        '--phone <kind>',
        'gateway-client listens by operator name, deku (DekuSMS) by country and network',
      )
        .choices(['gateway-client', 'deku'])
        .default('gateway-client'),
    )
    .option('--operator <name>', 'for a gateway-client: operator whose SMS it sends, such as "MTN Cameroon"')
    .option(
      '--binding <key>',
      'for deku: binding, such as dev1_OUTGOING_SMS.237.62401 (default: all SMS of the developer)',
    )
    .option('--auth-key <@file|->', 'auth key of the developer (default: SWOB_AUTH_KEY, then a prompt)')
    .option(
      '--url <url>',
      'URL of the broker, such as amqp://localhost:5672 (default: the value of [broker] url)',
      parseBrokerUrl,
    )
    .option('--count <number>', 'exit after this number of SMS', parseCount)
    .option('--timeout <duration>', 'exit after this time, such as 30s', parseTimeLimit)
    .addHelpText(
      'after',
      `
Prints one line per SMS: the phone number, a tab and the text; the SMS is then removed from the broker. Runs until a
signal, --count or --timeout; exits with 75 when --timeout expires before --count SMS have arrived.

A message that is not an SMS is dropped. With --phone deku it must have exactly the members that DekuSMS decodes; one whose sid
is not a whole number is requeued, as DekuSMS does, and comes again every second.

Example:
  swob sms consume --auth-id dev1 --operator MTN --auth-key @key.txt
  swob sms consume --auth-id dev1 --operator MTN --count 1 --timeout 30s --json
  swob sms consume --auth-id dev1 --phone deku --binding dev1_OUTGOING_SMS.237.62401`,
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { io, printer } = context;
  const { phone, count, timeout } = options;
  const authId = parseAuthId(options.authId);
  const binding = phoneBinding(options);
  const secret = {
    name: '--auth-key',
    variable: 'SWOB_AUTH_KEY',
    question: `key of ${authId}`,
    io,
    printer,
  } as const;
  const authKey = await requireSecret(options.authKey, secret);
  const address = { ...(await findBroker(context, options.url)), username: authId, password: authKey };
  // Imported here, because amqplib doubles the start-up time.
  const { consumeSms } = await import('../../../amqp/consumer.ts');

  let received = 0;
  let ready = false;
  let hasRequeued = false;
  await context.interruptible(async (signal) => {
    const deadline = new AbortController();
    const cancel = timeout === undefined ? undefined : io.clock.after(timeout, () => deadline.abort());
    try {
      await consumeSms({
        address,
        binding,
        clock: io.clock,
        signal: AbortSignal.any([signal, deadline.signal]),
        onReady: (queue) => {
          ready = true;
          printer.note(`consuming ${queue}`);
        },
        onLost: (reason) => printer.note(`lost the connection to the broker (${reason}); reconnecting`),
        onMessage: async ({ content }) => {
          const reading = readers[phone](content);
          if ('problem' in reading) {
            // A requeued message comes again and again.
            if (reading.verdict !== 'requeue' || !hasRequeued) printer.warn(reading.problem);
            hasRequeued ||= reading.verdict === 'requeue';
            return reading.verdict;
          }
          if (printer.json) printer.value(reading.sms);
          else printer.fields(reading.fields);
          await flushOutput(io.stdout);
          received += 1;
          return received === count ? 'ack-and-stop' : 'ack';
        },
      });
    } catch (error) {
      if (!deadline.signal.aborted) throw error;
      if (!ready)
        throw new SwobError('UNREACHABLE', `no response in time from the broker at ${brokerName(address)}`);
      if (count !== undefined)
        throw new SwobError('UNAVAILABLE', `only ${received} of ${count} SMS arrived in time`);
    } finally {
      cancel?.();
    }
  });
}

type Reading =
  | { readonly sms: object; readonly fields: readonly string[] }
  | { readonly problem: string; readonly verdict: Verdict };

/** What a phone of each kind makes of a message. */
const readers: Readonly<Record<Options['phone'], (content: Buffer) => Reading>> = {
  'gateway-client': (content) => {
    const sms = readClusterBody(content);
    if (sms) return { sms, fields: [sms.number, sms.text] };
    return {
      problem: 'dropped a message that is not an SMS: expected JSON with text and number',
      verdict: 'reject',
    };
  },
  deku: (content) => {
    const reading = readDekuBody(content);
    if (reading.kind === 'sms') {
      const { message } = reading;
      return { sms: message, fields: [message.to, message.text] };
    }
    if (reading.kind === 'malformed') {
      const expected = 'expected JSON with exactly the texts text, to, sid and the 32-bit integer id';
      return { problem: `dropped a message that DekuSMS cannot decode: ${expected}`, verdict: 'reject' };
    }
    const problem =
      'requeued an SMS whose sid is not a whole number: DekuSMS does so again and again; purge the queue';
    return { problem, verdict: 'requeue' };
  },
};

/** The exchange, queue and key of the phone. Throws USAGE. */
function phoneBinding({ authId, phone, operator, binding }: Options): PhoneBinding {
  const refuse = (problem: string): never => {
    throw new SwobError('USAGE', problem);
  };
  if (phone === 'deku') {
    if (operator !== undefined) refuse('--operator: --phone deku listens by --binding');
    return findPhoneBinding(authId, { binding });
  }
  if (binding !== undefined) refuse('--binding is for --phone deku');
  if (operator === undefined) return refuse('--operator: required for --phone gateway-client');
  return findPhoneBinding(authId, { operator });
}

/** Resolves once the output is flushed, so that an SMS that could not be printed is not acknowledged. */
function flushOutput(output: Output): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write('', (error) => (error ? reject(toOutputError(error)) : resolve()));
  });
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a number of at least 1.');
}

function parseTimeLimit(text: string): number {
  try {
    const ms = parseDuration(text);
    if (ms >= 1 && ms <= parseDuration('7d')) return ms;
  } catch {
    // Reported below, with the bounds.
  }
  throw new InvalidArgumentError('Expected a duration from 1ms to 7d, such as 30s.');
}
