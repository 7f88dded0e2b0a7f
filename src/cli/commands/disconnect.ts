// `swob disconnect`: logs a Wi-Fi user out through the disconnect service, with a given or a newly minted token.

import { type Command, Option } from 'commander';
import type { Config } from '../../config/schema.ts';
import { maxTokenLength } from '../../crypto/jwt-format.ts';
import { type Verdict, verdicts } from '../../domain/wifi/verification.ts';
import { type ErrorCode, errorCatalogue, isErrorCode, SwobError } from '../../errors.ts';
import { isObject, tryParseJson } from '../../lib/json.ts';
import { printable } from '../../lib/printable.ts';
import { disconnectEndpoint } from '../client/endpoints.ts';
import { withRetryAdvice } from '../client/error-response.ts';
import { createHttpClient, type HttpResponse } from '../client/http-client.ts';
import type { Context } from '../context.ts';
import { addMintOptions, type MintOptions, mintOptionNames, mintToken } from '../input/mint-token.ts';
import { requireSecret } from '../input/secret.ts';
import { parseDurationOption } from '../input/token-key.ts';

interface Options extends MintOptions {
  readonly token?: string;
  readonly url?: string;
  readonly dryRun?: boolean;
  readonly explain?: boolean;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Exceeds the documented timeouts of the service: 5 s for a PCRF connection and 10 s for its response. */
const defaultTimeoutMs = 30_000;
const maxTimeoutMs = 3_600_000;

export function define(command: Command, context: Context): void {
  addMintOptions(command.option('--token <@file|->', 'token of the doors service (default: SWOB_TOKEN)'))
    .option('--url <url>', 'URL of the disconnect service (default: from [disconnect] host and port)')
    .addOption(
      new Option('--timeout <duration>', 'timeout of the response')
        .argParser(parseDurationOption)
        .default(defaultTimeoutMs, '30s'),
    )
    .option('--dry-run', 'judge the token as the service would and show what it would send, and send nothing')
    .option('--explain', 'show on stderr how each claim is judged, then send the token')
    .addHelpText(
      'after',
      `
Needs either --token, or --key and a session for which to mint a token. Prints the response. Exits with 1 and the reason
on stderr when the service refuses, with 69 when it cannot be reached, with 75 when it is busy. With [disconnect] verify the
response has "verified": gone, present or unknown. --dry-run and --explain read the
configuration and the key of [validation] here, so run them where the service runs.

Example:
  swob disconnect --token @token.txt
  swob disconnect --key private.pem --session 5692549928996307964 --nas-ip 100.112.0.1 --vrf 1 --mac FC-45-96-5F-50-AC`,
    )
    .action((options: Options) => run(context, command, options));
}

async function run(context: Context, command: Command, options: Options): Promise<void> {
  const { printer } = context;
  if (options.timeout === 0) throw new SwobError('USAGE', '--timeout must be longer than 0');
  const token = await readToken(context, command, options);
  const { config } = await context.loadConfig();
  if (options.explain || options.dryRun) await explain(context, config, token, options.dryRun === true);
  if (options.dryRun) return;
  const daemon = await disconnectEndpoint(config, options.url);
  const response = await context.interruptible((signal) =>
    createHttpClient({
      ...daemon,
      // Accept the URL with and without the path.
      baseUrl: daemon.baseUrl.replace(/\/disconnect$/, ''),
      signal,
      name: 'disconnect service',
      timeoutMs: Math.min(options.timeout, maxTimeoutMs),
    }).request({ method: 'POST', path: '/disconnect', headers: { Authorization: `Bearer ${token}` } }),
  );
  const outcome = parseOutcome(response);
  if (outcome.success) return printer.value(outcome);
  if (printer.json) printer.value(outcome);
  throw rejectionError(response, outcome);
}

/** Data for --dry-run, a note before the request otherwise. Throws UNAUTHENTICATED for --dry-run and a token that is refused. */
async function explain(context: Context, config: Config, token: string, isDryRun: boolean): Promise<void> {
  const { io, printer } = context;
  const { explainDisconnect, explanationLines } = await import('../../app/explain-disconnect.ts');
  const explanation = await explainDisconnect(config, token, io.clock);
  if (isDryRun && printer.json) printer.value(explanation);
  else for (const line of explanationLines(explanation)) isDryRun ? printer.line(line) : printer.note(line);
  if (isDryRun && !explanation.valid)
    throw new SwobError('UNAUTHENTICATED', 'the service would refuse this token');
}

/** The token to send. Throws USAGE when the options exclude each other or do not name a session. */
async function readToken(context: Context, command: Command, options: Options): Promise<string> {
  const { io, printer } = context;
  const given = mintOptionNames.filter((name) => command.getOptionValueSource(name) === 'cli');
  const flags = given.map(flagName).join(', ');
  if (options.token !== undefined && given.length > 0) {
    throw new SwobError(
      'USAGE',
      `--token and ${flags} exclude each other: a given token already has its claims`,
    );
  }
  if (given.length > 0) {
    const missing = (['key', 'session', 'nasIp', 'vrf', 'mac'] as const).filter(
      (name) => options[name] === undefined,
    );
    if (missing.length > 0) {
      throw new SwobError('USAGE', `${missing.map(flagName).join(', ')} missing: required to sign a token`);
    }
    return (await mintToken(context, options)).token;
  }
  const token = await requireSecret(options.token, {
    name: '--token',
    question: 'token of the doors service',
    variable: 'SWOB_TOKEN',
    trimmed: true,
    io,
    printer,
  });
  // Only reject what cannot be sent in a header; the service validates everything else.
  if (!/^[\x21-\x7e]+$/.test(token) || token.length > maxTokenLength) {
    throw new SwobError(
      'BAD_INPUT',
      `--token: expected one line of at most ${maxTokenLength} ASCII characters`,
    );
  }
  return token;
}

function flagName(name: (typeof mintOptionNames)[number]): string {
  return `--${name === 'nasIp' ? 'nas-ip' : name}`;
}

type Outcome =
  | { readonly success: true; readonly not_done?: readonly string[]; readonly verified?: Verdict }
  | Rejection;

interface Rejection {
  readonly success: false;
  readonly fail: string;
  /** The replaced service sends none. */
  readonly code?: ErrorCode;
}

/** Throws UPSTREAM when the response is not that of a disconnect service. */
function parseOutcome({ status, text }: HttpResponse): Outcome {
  const body = tryParseJson(text);
  if (isObject(body) && 'success' in body) {
    if (body.success === true && status < 300) {
      const notDone = 'not_done' in body && Array.isArray(body.not_done) ? body.not_done : [];
      const verified = verdicts.find((verdict) => verdict === body.verified);
      return {
        success: true,
        ...(notDone.length > 0 && { not_done: notDone.slice(0, 10).map(shorten) }),
        ...(verified && { verified }),
      };
    }
    if (body.success === false) {
      const fail = 'fail' in body ? String(body.fail) : 'no reason given';
      const code = 'code' in body && isErrorCode(body.code) ? body.code : undefined;
      return { success: false, fail, ...(code && { code }) };
    }
  }
  const shown = printable(text.slice(0, 300)) || 'nothing';
  throw new SwobError('UPSTREAM', `the response (${status}) is not that of a disconnect service: ${shown}`);
}

/** Prefers the code in the body, because with legacy_status the status is always 200. */
function rejectionError({ status, retryAfter }: HttpResponse, { fail, code: given }: Rejection): SwobError {
  const http = given === undefined ? status : errorCatalogue[given].http;
  const code = http === 429 ? 'LIMITED' : http === 503 ? 'UNAVAILABLE' : 'REFUSED';
  return new SwobError(code, `not disconnected: ${withRetryAdvice(shorten(fail), retryAfter)}`);
}

function shorten(text: unknown): string {
  return printable(String(text)).slice(0, 1_000);
}
