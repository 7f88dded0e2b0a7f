// `swob stub phone`: runs a stub of a gateway phone, which consumes outgoing SMS and reports what became of them.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { SwobError } from '../../../errors.ts';
import { type PhoneMix, type PhoneMode, phoneModes } from '../../../stubs/phone-modes.ts';
import type { Context } from '../../context.ts';
import { findBroker, findPhoneBinding, parseAuthId, parseBrokerUrl } from '../../input/broker.ts';
import { countUpTo, parseMilliseconds } from '../../input/option-parsers.ts';
import { readSecret, requireSecret } from '../../input/secret.ts';
import { addStubOptions, type StubOptions, stubOptionsHelp } from '../../input/stub-options.ts';
import { parseDurationOption } from '../../input/token-key.ts';
import { runStub } from '../../run-stub.ts';

interface Options extends StubOptions {
  readonly authId: string;
  readonly authKey?: string;
  readonly url?: string;
  readonly operator?: string;
  readonly binding?: string;
  readonly statusUrl?: string;
  readonly statusToken?: string;
  readonly mode?: PhoneMode;
  readonly ms: number;
  readonly mix?: PhoneMix;
  readonly seed: string;
  /** Milliseconds. */
  readonly sendDelay: number;
  readonly reportDelay: number;
  readonly byPart?: boolean;
  readonly prefetch: number;
}

export function define(command: Command, context: Context): void {
  addStubOptions(command, 9600)
    .requiredOption('--auth-id <auth-id>', 'auth id of the developer')
    .option('--auth-key <@file|->', 'auth key of the developer (default: SWOB_AUTH_KEY, then a prompt)')
    .option(
      '--url <url>',
      'URL of the broker, such as amqp://localhost:5672 (default: the value of [broker] url)',
      parseBrokerUrl,
    )
    .option('--operator <name>', 'listen by the name of an operator, as phones of 2022 do')
    .option(
      '--binding <key>',
      'listen as DekuSMS does, such as by dev1_OUTGOING_SMS.237.62401 (default: all SMS of the developer)',
    )
    .option(
      '--status-url <url>',
      'where to report, such as http://localhost:6969/v1/status/dev1 (default: report nothing)',
      parseStatusUrl,
    )
    .option(
      '--status-token <@file|->',
      'token of `swob sms outgoing token` (default: SWOB_STATUS_TOKEN, then none)',
    )
    .addOption(
      new Option('--mode <mode>', 'what becomes of SMS (default: delivered, with --mix mixed)').choices(
        phoneModes,
      ),
    )
    .option('--ms <ms>', 'delay of mode slow, in milliseconds', parseMilliseconds, 1_000)
    .option(
      '--mix <mode=share,...>',
      'shares of mode mixed; the rest is delivered (default: sent=10%,failed=10%, and silent, lossy, duplicate and reorder 5% each)',
      parseMix,
    )
    .option('--seed <text>', 'the same seed makes the same choices', '1')
    .option('--send-delay <duration>', 'how long sending an SMS takes, such as 200ms', parseDelay, 0)
    .option('--report-delay <duration>', 'how long each report is held back, such as 2s', parseDelay, 0)
    .option('--by-part', 'report on each part of a long SMS by itself')
    .option('--prefetch <number>', 'SMS that it sends at the same time', countUpTo(9_999), 1)
    .addHelpText(
      'after',
      `
Consumes SMS, acknowledges each when it is sent, and then reports, until a signal (exit 130, 143). --port is that of HTTP: GET
/__journal lists the SMS with what was reported and what was lost, and POST /__behaviour {"mode": …, "count"?: …, "ms"?: …}
changes the mode. A report that gets 5xx, 429 or no response is repeated for some 75 seconds.

delivered   reports sent, then delivered; slow: the same after --ms
sent        reports sent only; failed: reports failed; silent: sends the SMS, and reports nothing
lossy       as delivered, but half of the reports are lost; duplicate: each report twice; reorder: in reverse order
contradict  as delivered, and then reports failed
reject      rejects the SMS without requeueing; requeue: with requeueing
die         sends the SMS, but loses the connection before it acknowledges: the SMS comes again
mixed       each SMS one of the others, by --mix

A stub phone cannot record: it calls the gateway, and nothing calls it but tests.
${stubOptionsHelp}

Example:
  swob stub phone --auth-id dev1 --auth-key @key.txt --url amqp://localhost:5672 --mix failed=10%,lossy=5% \\
    --status-url http://localhost:6969/v1/status/dev1 --status-token @token`,
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { io, printer } = context;
  const { statusUrl, mode, ms, mix, seed, prefetch, byPart = false } = options;
  if (options.record !== undefined || options.replay !== undefined)
    throw new SwobError('USAGE', '--record and --replay are for stubs that are called over HTTP');
  const authId = parseAuthId(options.authId);
  const binding = findPhoneBinding(authId, options);
  const named = { io, printer } as const;
  await runStub(context, 'phone', options, phoneModes, async (given) => {
    const question = `key of ${authId}`;
    const authKey = await requireSecret(options.authKey, {
      name: '--auth-key',
      variable: 'SWOB_AUTH_KEY',
      question,
      ...named,
    });
    const statusToken = await readSecret(options.statusToken, {
      name: '--status-token',
      variable: 'SWOB_STATUS_TOKEN',
      trimmed: true,
      ...named,
    });
    const broker = { ...(await findBroker(context, options.url)), username: authId, password: authKey };
    // Imported here, because amqplib doubles the start-up time.
    const { startPhoneStub } = await import('../../../stubs/phone.ts');
    return startPhoneStub({
      ...given,
      broker,
      binding,
      prefetch,
      ...(statusUrl !== undefined && { statusUrl }),
      ...(statusToken !== undefined && { statusToken }),
      ...(mode && { mode }),
      ms,
      ...(mix && { mix }),
      seed,
      sendDelayMs: options.sendDelay,
      reportDelayMs: options.reportDelay,
      byPart,
      onSms: ({ id = null, number, text, mode: became }) => {
        if (printer.json) printer.value({ id, number, text, mode: became });
        else printer.fields([number, text, became]);
      },
      onLost: (reason) => printer.note(`lost the connection to the broker (${reason}); reconnecting`),
      clock: io.clock,
    });
  });
}

function parseStatusUrl(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError('Expected a URL such as http://localhost:6969/v1/status/dev1.');
}

function parseMix(text: string): PhoneMix {
  const shares: Partial<Record<Exclude<PhoneMode, 'mixed'>, number>> = {};
  for (const part of text.split(',')) {
    const [, name = '', percent = ''] = /^\s*([a-z]+)=(\d{1,3}(?:\.\d{1,6})?)%\s*$/.exec(part) ?? [];
    const mode = phoneModes.find((each) => each === name);
    if (mode === undefined || mode === 'mixed' || percent === '' || shares[mode] !== undefined)
      throw new InvalidArgumentError('Expected shares of modes, each once, such as failed=10%,silent=5%.');
    shares[mode] = Number(percent) / 100;
  }
  return shares;
}

function parseDelay(text: string): number {
  const ms = parseDurationOption(text);
  if (ms <= 3_600_000) return ms;
  throw new InvalidArgumentError('Expected a duration of at most 1h, such as 200ms.');
}
