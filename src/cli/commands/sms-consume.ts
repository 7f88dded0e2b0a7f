// `swob sms consume`: receives a developer's outgoing SMS as a gateway phone would, for tests and scripts.

import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../../config/kinds.ts';
import { type AmqpAddress, amqpAddress, brokerName } from '../../domain/amqp.ts';
import { authIdPattern, operatorFault } from '../../domain/outgoing-names.ts';
import { SwobError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { outputFault } from '../interrupt.ts';
import type { Output } from '../io.ts';
import { requireSecret } from '../secret.ts';

interface Options {
  readonly operator: string;
  readonly authId: string;
  readonly authKey?: string;
  readonly url?: string;
  readonly count?: number;
  /** Milliseconds. */
  readonly timeout?: number;
}

export function define(command: Command, context: Context): void {
  command
    .requiredOption('--operator <name>', 'operator whose SMS it sends, such as "MTN Cameroon"')
    .requiredOption('--auth-id <id>', 'the developer')
    .option('--auth-key <@file|->', "the developer's key; else SWOB_AUTH_KEY")
    .option('--url <url>', 'the broker, such as amqp://localhost:5672, in place of [broker] url', brokerUrl)
    .option('--count <number>', 'end after so many SMS', positive)
    .option('--timeout <duration>', 'end after this time, such as 30s', timeLimit)
    .addHelpText(
      'after',
      `
Prints a line for each SMS: its number, a tab, its text. The SMS is gone from the broker then. Goes on until a signal
unless told otherwise; exits with 75 when --timeout ends it before --count SMS came.

Example:
  swob sms consume --operator MTN --auth-id dev1 --auth-key @key.txt
  swob sms consume --operator MTN --auth-id dev1 --count 1 --timeout 30s --json`,
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { io, printer } = context;
  const { authId, operator, count, timeout } = options;
  if (!new RegExp(authIdPattern).test(authId))
    throw new SwobError('USAGE', '--auth-id: not a well-formed auth id');
  const fault = operatorFault(authId, operator);
  if (fault !== undefined) throw new SwobError('USAGE', `--operator: ${fault}`);
  const secret = { name: '--auth-key', variable: 'SWOB_AUTH_KEY', io, printer } as const;
  const authKey = await requireSecret(options.authKey, secret);
  const address = { ...(await findBroker(context, options.url)), username: authId, password: authKey };
  // Reading it takes as long as all the rest of a start.
  const { receiveSms } = await import('../gateway-phone.ts');

  let received = 0;
  let ready = false;
  await context.interruptible(async (signal) => {
    const deadline = new AbortController();
    const cancel = timeout === undefined ? undefined : io.clock.after(timeout, () => deadline.abort());
    try {
      await receiveSms({
        address,
        operatorName: operator,
        clock: io.clock,
        signal: AbortSignal.any([signal, deadline.signal]),
        onReady: (queue) => {
          ready = true;
          printer.note(`consuming ${queue}`);
        },
        onLost: (reason) => printer.note(`lost the broker (${reason}); connecting again`),
        onMessage: async (content) => {
          const sms = smsIn(content);
          if (!sms) {
            printer.warn('dropped a message that is no SMS: expected JSON with text and number');
            return 'refuse';
          }
          if (printer.json) printer.value(sms);
          else printer.fields([sms.number, sms.text]);
          await written(io.stdout);
          received += 1;
          return received === count ? 'last' : 'take';
        },
      });
    } catch (error) {
      if (!deadline.signal.aborted) throw error;
      if (!ready)
        throw new SwobError('UNREACHABLE', `no answer in time from the broker at ${brokerName(address)}`);
      if (count !== undefined)
        throw new SwobError('UNAVAILABLE', `only ${received} of ${count} SMS came in time`);
    } finally {
      cancel?.();
    }
  });
}

/** Where it is; the credentials of [broker] url are swob's own. */
async function findBroker(context: Context, url: string | undefined): Promise<AmqpAddress> {
  if (url !== undefined) {
    const { username, password } = new URL(url);
    if (username === '' && password === '') return amqpAddress(url);
    throw new SwobError('USAGE', '--url: credentials belong in --auth-id and --auth-key');
  }
  const { config } = await context.loadConfig();
  if (config.broker.url !== '') return amqpAddress(config.broker.url);
  throw new SwobError('CONFIG', 'no broker configured: set [broker] url, or give --url');
}

/** As on the wire; undefined when it is none. */
function smsIn(content: Buffer): { text: string; number: string } | undefined {
  try {
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
    const { text, number }: { text?: unknown; number?: unknown } = Object(json);
    return typeof text === 'string' && typeof number === 'string' ? { text, number } : undefined;
  } catch {
    return undefined;
  }
}

/** Resolves once the output has taken everything; an SMS that nobody could read stays on the broker. */
function written(output: Output): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write('', (error) => (error ? reject(outputFault(error)) : resolve()));
  });
}

function brokerUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^amqps?:$/.test(url.protocol) || url.hostname === '') {
    throw new InvalidArgumentError(
      'Expected a URL such as amqp://localhost:5672 or amqps://broker.example.org.',
    );
  }
  return text;
}

function positive(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a number from 1.');
}

function timeLimit(text: string): number {
  try {
    const ms = parseDuration(text);
    if (ms >= 1 && ms <= parseDuration('7d')) return ms;
  } catch {
    // Told below, with the bounds.
  }
  throw new InvalidArgumentError('Expected a duration from 1ms to 7d, such as 30s.');
}
