// `swob status`: how the daemons of the configuration, or those at given URLs, are.

import type { Command } from 'commander';
import type { StoreView } from '../../app/compose/store-holder.ts';
import type { Config } from '../../config/schema.ts';
import { messageOf, SwobError } from '../../errors.ts';
import { collect } from '../arguments.ts';
import type { Context } from '../context.ts';
import { askHealth, complaint, type DaemonHealth, isReady } from '../health.ts';
import type { Printer } from '../printer.ts';
import { findDaemons } from '../services.ts';

interface Options {
  readonly url?: readonly string[];
}

/** A daemon answers within the second that its checks may take. */
const timeoutMs = 5_000;

export function define(command: Command, context: Context): void {
  command
    .argument('[services...]', 'which to ask; none: those that `swob serve` runs without names')
    .option('--url <url>', 'a daemon to ask, in place of those of the configuration; repeatable', collect)
    .addHelpText(
      'after',
      `
States: ready; degraded (works, but something that it uses is away); unready; up (answers, but does not say how it
is); down. Exits with 0 when all are ready or degraded, else with 1.

Example:
  swob status
  swob status --url http://10.0.0.7:6969 --json`,
    )
    .action((words: string[], options: Options) => status(context, words, options));
}

async function status(context: Context, words: readonly string[], { url = [] }: Options): Promise<void> {
  const { io, printer } = context;
  const { config } = await context.loadConfig();
  const daemons = await findDaemons(config, words, url);
  const healths = await context.interruptible((signal) =>
    Promise.all(daemons.map((daemon) => askHealth(daemon, signal, timeoutMs))),
  );
  // What runs elsewhere has a store elsewhere.
  const store = url.length > 0 ? undefined : await storeOf(context, config);
  if (printer.json) printer.value({ daemons: healths, ...(store && { store }) });
  else print(printer, healths, store, io.clock.now());
  const bad = healths.filter((health) => !isReady(health));
  if (bad.length > 0) throw new SwobError('REFUSED', bad.map(complaint).join('\n  '));
}

async function storeOf({ io, printer }: Context, config: Config): Promise<StoreView | undefined> {
  const { viewStore } = await import('../../app/compose/store-holder.ts');
  return viewStore(config, io.clock).catch((error: unknown) => {
    // The daemons are what was asked for.
    printer.warn(messageOf(error));
    return undefined;
  });
}

function print(
  printer: Printer,
  healths: readonly DaemonHealth[],
  store: StoreView | undefined,
  now: number,
): void {
  printer.table(
    ['SERVICE', 'URL', 'STATE', 'VERSION', 'UPTIME', 'CHECKS'],
    healths.map((health) => [
      health.name,
      health.url,
      health.state,
      health.version ?? '-',
      health.uptime === undefined ? '-' : span(health.uptime),
      checksOf(health),
    ]),
  );
  if (store) printer.line(`store ${store.url}: ${holderOf(store, now)}`);
}

function checksOf({ checks, reason }: DaemonHealth): string {
  if (reason !== undefined) return reason;
  return checks
    .map(({ name, ok, ms, reason: why }) => `${name} ${ok ? `${ms} ms` : (why ?? 'failed')}`)
    .join(', ');
}

function holderOf({ kind, holder }: StoreView, now: number): string {
  if (kind === 'memory') return 'in memory, lost at exit';
  if (kind === 'redis') return 'shared by every swob that names it';
  if (!holder) return 'nobody has it open';
  const seconds = (now - Date.parse(holder.since)) / 1_000;
  const age = Number.isFinite(seconds) ? ` (${span(Math.max(0, seconds))})` : '';
  const who = `pid ${holder.pid} on host ${holder.host} since ${holder.since}${age}`;
  if (holder.state === 'dead')
    return `left behind by ${who}, which is dead; the next \`swob serve\` takes it`;
  return `open in ${who}`;
}

/** `3d 4h`, `12m 5s`: the two largest units. */
function span(seconds: number): string {
  const whole = Math.floor(seconds);
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3_600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'm'],
    [whole % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return '0s';
  return parts
    .slice(first, first + 2)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ');
}
