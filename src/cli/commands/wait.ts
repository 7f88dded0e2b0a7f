// `swob wait`: for scripts that go on when something has come true, or stop when it has not in time.

import { type Command, Option } from 'commander';
import { formatDuration } from '../../config/kinds.ts';
import type { Config } from '../../config/schema.ts';
import { SwobError } from '../../errors.ts';
import { collect } from '../arguments.ts';
import type { Context } from '../context.ts';
import { findGateway } from '../daemon.ts';
import { askHealth, complaint, isReady } from '../health.ts';
import { createHttpClient, type HttpClient } from '../http-client.ts';
import { operatorToken } from '../operator-token.ts';
import { findDaemons } from '../services.ts';
import { durationArgument } from '../token-files.ts';
import { wait } from '../wait.ts';

interface Options {
  readonly for: readonly string[];
  /** Milliseconds. */
  readonly timeout: number;
  readonly url?: readonly string[];
  readonly token?: string;
}

/** What is still missing, in words; undefined when it has come true. `patienceMs`: for each call. */
type Look = (signal: AbortSignal, patienceMs: number) => Promise<string | undefined>;

const defaultTimeoutMs = 30_000;
const firstPauseMs = 100;
const maxPauseMs = 1_000;
const maxCallMs = 5_000;
/** Failures that the next look may not meet again. */
const passing = new Set(['UNREACHABLE', 'UNAVAILABLE', 'UPSTREAM', 'LIMITED', 'TIMEOUT']);

export function define(command: Command, context: Context): void {
  command
    .addOption(
      new Option('--for <what...>', 'ready; paired <user>; seed <IMSI>').default(['ready'], '"ready"'),
    )
    .addOption(
      new Option('--timeout <duration>', 'how long at most')
        .argParser(durationArgument)
        .default(defaultTimeoutMs, '30s'),
    )
    .option('--url <url>', 'a daemon, in place of those of the configuration; repeatable', collect)
    .option(
      '--token <@file|->',
      'admin token, for paired; else SWOB_TOKEN, else the file of [security] admin_token_filepath',
    )
    .addHelpText(
      'after',
      `
ready: every daemon that \`swob serve\` runs says that it can work. paired: the user's phone has paired since this command
started. seed: that gateway client is active. Exits with 0 as soon as it is so, with 75 after the timeout, and says
what was missing.

Example:
  swob wait --timeout 10s
  swob wait --for seed 624012345678901`,
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { clock } = context.io;
  const started = clock.monotonic();
  const { config } = await context.loadConfig();
  await context.interruptible(async (signal) => {
    const look = await looker(context, config, options, started);
    let pause = firstPauseMs;
    for (;;) {
      const left = options.timeout - (clock.monotonic() - started);
      const missing = await look(signal, Math.ceil(Math.max(100, Math.min(left, maxCallMs))));
      if (missing === undefined) return;
      const rest = options.timeout - (clock.monotonic() - started);
      if (rest <= 0) {
        const limit = formatDuration(options.timeout);
        throw new SwobError('UNAVAILABLE', `not so after ${limit}: ${missing}`);
      }
      await wait(clock, Math.min(pause, rest), signal);
      pause = Math.min(maxPauseMs, pause * 1.5);
    }
  });
}

/** Throws USAGE when --for is nothing that can be waited for. */
async function looker(context: Context, config: Config, options: Options, started: number): Promise<Look> {
  const [what, whom, ...more] = options.for;
  const urls = options.url ?? [];
  if (what === 'ready' && whom === undefined) return readyLook(config, urls);
  if (whom !== undefined && more.length === 0 && (what === 'seed' || what === 'paired')) {
    if (urls.length > 1) throw new SwobError('USAGE', `--for ${what} asks one gateway: give one --url`);
    const daemon = await findGateway(config, urls[0]);
    const client = (signal: AbortSignal, timeoutMs: number): HttpClient =>
      createHttpClient({ ...daemon, signal, timeoutMs });
    const look =
      what === 'seed'
        ? seedLook(client, whom)
        : await pairedLook(context, config, options, client, whom, started);
    return (signal, patienceMs) =>
      look(signal, patienceMs).catch((error: unknown) => {
        if (error instanceof SwobError && passing.has(error.code)) return error.message;
        throw error;
      });
  }
  throw new SwobError(
    'USAGE',
    `--for ${options.for.join(' ')}: expected ready, paired <user> or seed <IMSI>`,
  );
}

async function readyLook(config: Config, urls: readonly string[]): Promise<Look> {
  const daemons = await findDaemons(config, [], urls);
  return async (signal, patienceMs) => {
    const healths = await Promise.all(daemons.map((daemon) => askHealth(daemon, signal, patienceMs)));
    const bad = healths.filter((health) => !isReady(health));
    return bad.length === 0 ? undefined : bad.map(complaint).join('; ');
  };
}

type ClientOf = (signal: AbortSignal, timeoutMs: number) => HttpClient;

function seedLook(client: ClientOf, imsi: string): Look {
  return async (signal, patienceMs) => {
    const text = await client(signal, patienceMs).text({ path: `/seeds/${encodeURIComponent(imsi)}` });
    return text.trim() === '' ? `no active seed has the IMSI ${imsi}` : undefined;
  };
}

async function pairedLook(
  context: Context,
  config: Config,
  { token }: Options,
  client: ClientOf,
  user: string,
  started: number,
): Promise<Look> {
  const readToken = await operatorToken(context, config, token);
  return async (signal, patienceMs) => {
    const admin = await readToken();
    if (admin === undefined) {
      return `no admin token: ${config.security.admin_token_filepath} is not there (yet)`;
    }
    const http = client(signal, patienceMs);
    const answer = await http
      .json({
        path: `/sync/users/${encodeURIComponent(user)}/paired`,
        headers: { Authorization: `Bearer ${admin}` },
      })
      .catch((error: unknown) => {
        if (error instanceof SwobError && error.code === 'NOT_FOUND') return undefined;
        throw error;
      });
    const age = ageOf(answer);
    const waited = (context.io.clock.monotonic() - started) / 1_000;
    // By the clock of the gateway alone: ours may be another.
    return age !== undefined && age <= waited ? undefined : `${user} has not paired since`;
  };
}

/** Seconds since the pairing; undefined when there is none. */
function ageOf(answer: unknown): number | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  if (!('pairedAt' in answer) || !('now' in answer)) return undefined;
  const age = Number(answer.now) - Number(answer.pairedAt);
  return Number.isFinite(age) ? age : undefined;
}
