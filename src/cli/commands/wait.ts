// `swob wait`: waits until services are ready, a phone has paired or a seed is active.

import { type Command, Option } from 'commander';
import type { Config } from '../../config/schema.ts';
import { formatDuration } from '../../config/value-types.ts';
import { SwobError } from '../../errors.ts';
import { delay } from '../../lib/delay.ts';
import { isObject } from '../../lib/json.ts';
import { adminTokenReader } from '../client/admin-token.ts';
import { gatewayEndpoint } from '../client/endpoints.ts';
import { describeUnhealthy, fetchHealth, isReady, lacksWorkers } from '../client/health.ts';
import { createHttpClient, type HttpClient } from '../client/http-client.ts';
import { fetchSeedNumber } from '../client/seed-number.ts';
import { resolveServices } from '../client/services.ts';
import type { Context } from '../context.ts';
import { collectValues } from '../input/collect-values.ts';
import { parseDurationOption } from '../input/token-key.ts';
import { transientErrors } from '../transient-errors.ts';

interface Options {
  readonly for: readonly string[];
  /** Milliseconds. */
  readonly timeout: number;
  readonly url?: readonly string[];
  readonly token?: string;
}

/** Describes the unmet condition; undefined when it is met. `timeoutMs` bounds each request. */
type Check = (signal: AbortSignal, timeoutMs: number) => Promise<string | undefined>;

const defaultTimeoutMs = 30_000;
const firstPauseMs = 100;
const maxPauseMs = 1_000;
const maxCallMs = 5_000;
/** Each request has a time limit shorter than that of the command, so that a timeout is transient too. */
const retriedErrors: ReadonlySet<string> = new Set([...transientErrors, 'TIMEOUT']);

export function define(command: Command, context: Context): void {
  command
    .addOption(
      new Option('--for <what...>', 'ready; paired <user>; seed <IMSI>').default(['ready'], '"ready"'),
    )
    .addOption(
      new Option('--timeout <duration>', 'longest time to wait')
        .argParser(parseDurationOption)
        .default(defaultTimeoutMs, '30s'),
    )
    .option('--url <url>', 'URL of a service (default: the configured services); repeatable', collectValues)
    .option(
      '--token <@file|->',
      'admin token, for paired (default: SWOB_TOKEN, then the file of [security] admin_token_filepath)',
    )
    .addHelpText(
      'after',
      `
ready: all services that \`swob serve\` runs are ready, with all of their workers. paired: a phone of the user has paired since this command started.
seed: the gateway client with this IMSI is active. Exits with 0 when the condition is met, with 75 and the reason after
the timeout.

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
    const check = await createCheck(context, config, options, started);
    let pause = firstPauseMs;
    for (;;) {
      const left = options.timeout - (clock.monotonic() - started);
      const missing = await check(signal, Math.ceil(Math.max(100, Math.min(left, maxCallMs))));
      if (missing === undefined) return;
      const rest = options.timeout - (clock.monotonic() - started);
      if (rest <= 0) {
        const limit = formatDuration(options.timeout);
        throw new SwobError('UNAVAILABLE', `timed out after ${limit}: ${missing}`);
      }
      await delay(clock, Math.min(pause, rest), signal);
      pause = Math.min(maxPauseMs, pause * 1.5);
    }
  });
}

/** Throws USAGE for an unknown --for. */
async function createCheck(
  context: Context,
  config: Config,
  options: Options,
  started: number,
): Promise<Check> {
  const [what, whom, ...more] = options.for;
  const urls = options.url ?? [];
  if (what === 'ready' && whom === undefined) return readyCheck(config, urls);
  if (whom !== undefined && more.length === 0 && (what === 'seed' || what === 'paired')) {
    if (urls.length > 1)
      throw new SwobError('USAGE', `--for ${what} calls a single gateway: pass --url once`);
    const daemon = await gatewayEndpoint(config, urls[0]);
    const client = (signal: AbortSignal, timeoutMs: number): HttpClient =>
      createHttpClient({ ...daemon, signal, timeoutMs });
    const check =
      what === 'seed'
        ? seedCheck(client, whom)
        : await pairedCheck(context, config, options, client, whom, started);
    return (signal, timeoutMs) =>
      check(signal, timeoutMs).catch((error: unknown) => {
        if (error instanceof SwobError && retriedErrors.has(error.code)) return error.message;
        throw error;
      });
  }
  throw new SwobError(
    'USAGE',
    `--for ${options.for.join(' ')}: expected ready, paired <user> or seed <IMSI>`,
  );
}

async function readyCheck(config: Config, urls: readonly string[]): Promise<Check> {
  const daemons = await resolveServices(config, [], urls);
  return async (signal, timeoutMs) => {
    const healths = await Promise.all(daemons.map((daemon) => fetchHealth(daemon, signal, timeoutMs)));
    const bad = healths.filter((health) => !isReady(health) || lacksWorkers(health));
    return bad.length === 0 ? undefined : bad.map(describeUnhealthy).join('; ');
  };
}

type CreateClient = (signal: AbortSignal, timeoutMs: number) => HttpClient;

function seedCheck(client: CreateClient, imsi: string): Check {
  return async (signal, timeoutMs) => {
    const msisdn = await fetchSeedNumber(client(signal, timeoutMs), imsi);
    return msisdn === undefined ? `no active seed has the IMSI ${imsi}` : undefined;
  };
}

async function pairedCheck(
  context: Context,
  config: Config,
  { token }: Options,
  client: CreateClient,
  user: string,
  started: number,
): Promise<Check> {
  const readToken = await adminTokenReader(context, config, token);
  return async (signal, timeoutMs) => {
    const admin = await readToken();
    if (admin === undefined) {
      return `no admin token: ${config.security.admin_token_filepath} does not exist yet`;
    }
    const http = client(signal, timeoutMs);
    const body = await http
      .json({
        path: `/sync/users/${encodeURIComponent(user)}/paired`,
        headers: { Authorization: `Bearer ${admin}` },
      })
      .catch((error: unknown) => {
        if (error instanceof SwobError && error.code === 'NOT_FOUND') return undefined;
        throw error;
      });
    const age = pairingAge(body);
    const waited = (context.io.clock.monotonic() - started) / 1_000;
    // Compare ages, because the clocks of the gateway and of this machine may differ.
    return age !== undefined && age <= waited ? undefined : `${user} has not paired yet`;
  };
}

/** Seconds since the pairing; undefined when there is none. */
function pairingAge(body: unknown): number | undefined {
  if (!isObject(body)) return undefined;
  const age = Number(body.now) - Number(body.pairedAt);
  return Number.isFinite(age) ? age : undefined;
}
