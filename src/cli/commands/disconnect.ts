// `swob disconnect`: has the disconnect service log a Wi-Fi user out, with a token that is given or made.

import { type Command, Option } from 'commander';
import { maxTokenLength } from '../../crypto/jwt-format.ts';
import { SwobError } from '../../errors.ts';
import { printable } from '../../printable.ts';
import type { Context } from '../context.ts';
import { findDisconnect } from '../daemon.ts';
import { type Answer, createHttpClient } from '../http-client.ts';
import { addMintOptions, type MintOptions, mint, mintOptionNames } from '../mint.ts';
import { withAdvice } from '../refusal.ts';
import { requireSecret } from '../secret.ts';
import { durationArgument } from '../token-files.ts';

interface Options extends MintOptions {
  readonly token?: string;
  readonly url?: string;
  /** Milliseconds. */
  readonly timeout: number;
}

/** The documented limits of the service itself: 5 s for a connection to the PCRF, 10 s for its answer. */
const defaultTimeoutMs = 30_000;
const maxTimeoutMs = 3_600_000;

export function define(command: Command, context: Context): void {
  addMintOptions(command.option('--token <@file|->', 'token of the doors service; else SWOB_TOKEN'))
    .option('--url <url>', 'the disconnect service, in place of [disconnect] host and port')
    .addOption(
      new Option('--timeout <duration>', 'time for its answer')
        .argParser(durationArgument)
        .default(defaultTimeoutMs, '30s'),
    )
    .addHelpText(
      'after',
      `
Prints the answer. Exits with 1 when it is no (and says why on stderr), with 69 when the service cannot be
reached, with 75 when it is busy. Either --token, or --key and a session to sign for.

Example:
  swob disconnect --token @token.txt
  swob disconnect --key private.pem --session 5692549928996307964 --nas-ip 100.112.0.1 --vrf 1 --mac FC-45-96-5F-50-AC`,
    )
    .action((options: Options) => run(context, command, options));
}

async function run(context: Context, command: Command, options: Options): Promise<void> {
  const { printer } = context;
  if (options.timeout === 0) throw new SwobError('USAGE', '--timeout 0 leaves no time for an answer');
  const token = await tokenOf(context, command, options);
  const { config } = await context.loadConfig();
  const daemon = await findDisconnect(config, options.url);
  const answer = await context.interruptible((signal) =>
    createHttpClient({
      ...daemon,
      // Both spellings of the address are natural.
      baseUrl: daemon.baseUrl.replace(/\/disconnect$/, ''),
      signal,
      name: 'disconnect service',
      timeoutMs: Math.min(options.timeout, maxTimeoutMs),
    }).exchange({ method: 'POST', path: '/disconnect', headers: { Authorization: `Bearer ${token}` } }),
  );
  const outcome = outcomeOf(answer);
  if (outcome.success) return printer.value({ success: true });
  if (printer.json) printer.value(outcome);
  throw refusal(answer, outcome.fail);
}

/** The token as it is sent. Throws USAGE when the options contradict each other or do not name a session. */
async function tokenOf(context: Context, command: Command, options: Options): Promise<string> {
  const { io, printer } = context;
  const given = mintOptionNames.filter((name) => command.getOptionValueSource(name) === 'cli');
  const flags = given.map(flagOf).join(', ');
  if (options.token !== undefined && given.length > 0) {
    throw new SwobError('USAGE', `--token and ${flags} contradict each other: a token has its claims`);
  }
  if (given.length > 0) {
    const missing = (['key', 'session', 'nasIp', 'vrf', 'mac'] as const).filter(
      (name) => options[name] === undefined,
    );
    if (missing.length > 0) {
      throw new SwobError('USAGE', `${missing.map(flagOf).join(', ')} missing: needed to sign a token`);
    }
    return (await mint(context, options)).token;
  }
  const token = await requireSecret(options.token, { name: '--token', variable: 'SWOB_TOKEN', io, printer });
  // Anything else could not stand in a header; what is wrong with a token otherwise is for the service to say.
  if (!/^[\x21-\x7e]+$/.test(token) || token.length > maxTokenLength) {
    throw new SwobError(
      'BAD_INPUT',
      `--token: expected one line of at most ${maxTokenLength} ASCII characters`,
    );
  }
  return token;
}

function flagOf(name: (typeof mintOptionNames)[number]): string {
  return `--${name === 'nasIp' ? 'nas-ip' : name}`;
}

type Outcome = { readonly success: true } | { readonly success: false; readonly fail: string };

/** Throws UPSTREAM when it is not the answer of a disconnect service. */
function outcomeOf({ status, text }: Answer): Outcome {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  if (typeof body === 'object' && body !== null && 'success' in body) {
    if (body.success === true && status < 300) return { success: true };
    if (body.success === false) {
      return { success: false, fail: 'fail' in body ? String(body.fail) : 'no reason given' };
    }
  }
  const shown = printable(text.slice(0, 300)) || 'nothing';
  throw new SwobError('UPSTREAM', `the answer (${status}) is not one of a disconnect service: ${shown}`);
}

function refusal({ status, retryAfter }: Answer, fail: string): SwobError {
  const code = status === 429 ? 'LIMITED' : status === 503 ? 'UNAVAILABLE' : 'REFUSED';
  const words = printable(fail).slice(0, 1_000);
  return new SwobError(code, `not disconnected: ${withAdvice(words, retryAfter)}`);
}
