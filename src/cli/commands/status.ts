// `swob status`: shows the health of the services, the store and the messages.

import type { Command } from 'commander';
import type { StoreInspection } from '../../app/compose/store-holder.ts';
import { allServices, defaultServices } from '../../app/default-services.ts';
import type { Config } from '../../config/schema.ts';
import { messageOf, SwobError } from '../../errors.ts';
import {
  type DaemonHealth,
  describeUnhealthy,
  fetchHealth,
  isReady,
  isSwob,
  nothingListens,
  unnamed,
} from '../client/health.ts';
import { resolveServices, type ServiceEndpoint } from '../client/services.ts';
import { describeSmsSummary, fetchSmsSummary, type SmsSummary } from '../client/sms-summary.ts';
import type { Context } from '../context.ts';
import { collectValues } from '../input/collect-values.ts';
import { formatElapsed } from '../terminal/elapsed.ts';
import type { Printer } from '../terminal/printer.ts';

interface Options {
  readonly url?: readonly string[];
}

/** Exceeds the one second that the health checks of a service may take. */
const timeoutMs = 5_000;
const maxLineWidth = 80;
/** Fits into 80 columns together with the other columns of the table. */
const maxUrlWidth = 36;

export function define(command: Command, context: Context): void {
  command
    .argument('[services...]', 'services that must run (default: all that run)')
    .option('--url <url>', 'URL of a service (default: the configured services); repeatable', collectValues)
    .addHelpText(
      'after',
      `
States: ready; degraded (works, but a dependency is unavailable); unready; up (responds, but not as swob); down; off (not
running, which is optional). Without names, all configured services are checked: gateway and sync must run together, and
disconnect is optional. Exits with 1 when a service is unready, up or down.

Example:
  swob status
  swob status --url http://10.0.0.7:6969 --json`,
    )
    .action((words: string[], options: Options) => status(context, words, options));
}

async function status(context: Context, words: readonly string[], { url = [] }: Options): Promise<void> {
  const { io, printer } = context;
  const { config } = await context.loadConfig();
  const isOpen = words.length === 0 && url.length === 0;
  // Check all services, because the running ones may have been started with another configuration.
  const names = isOpen
    ? allServices.filter((name) => name !== 'disconnect' || config.disconnect.port !== 0)
    : words;
  const daemons = await resolveServices(config, names, url);
  const fetched = await context.interruptible((signal) =>
    Promise.all(daemons.map((daemon) => fetchHealth(daemon, signal, timeoutMs))),
  );
  const healths = isOpen ? markOptionalServices(fetched, await defaultServices(config)) : fetched;
  // Services at --url may use another store.
  const store = url.length > 0 ? undefined : await fetchStore(context, config);
  // Never send the admin token of this machine's gateway to another one.
  const messages = url.length > 0 ? undefined : await fetchMessages(context, config, daemons);
  if (printer.json)
    printer.value({ daemons: healths, ...(store && { store }), ...(messages && { messages }) });
  else print(printer, healths, store, io.clock.now());
  if (!printer.json && messages)
    for (const text of describeSmsSummary(messages, io.clock.now()))
      for (const line of wrap(text)) printer.line(line);
  const bad = healths.filter((health) => health.state !== 'off' && !isReady(health));
  if (bad.length > 0) throw new SwobError('REFUSED', bad.map(describeUnhealthy).join('\n  '));
}

/** Marks services that do not listen as `off` if the running ones do not need them. */
function markOptionalServices(fetched: readonly DaemonHealth[], usual: ReadonlySet<string>): DaemonHealth[] {
  const running = fetched.filter(isSwob).map(({ name }) => name);
  const isPairRunning = running.includes('gateway') || running.includes('sync');
  return fetched.flatMap((health): DaemonHealth[] => {
    if (isSwob(health)) return [health];
    const isDisconnect = health.name === 'disconnect';
    // Ignore other programs on the port of a disconnect service that is not used.
    if (isDisconnect && !usual.has('disconnect')) return [];
    if (health.state !== 'down' || health.reason !== nothingListens) return [health];
    const isNeeded = running.length === 0 || (isPairRunning && !isDisconnect);
    return [isNeeded ? health : { ...health, state: 'off' }];
  });
}

async function fetchMessages(
  context: Context,
  config: Config,
  daemons: readonly ServiceEndpoint[],
): Promise<SmsSummary | undefined> {
  return context.interruptible((signal) => fetchSmsSummary(context, config, daemons, signal));
}

async function fetchStore({ io, printer }: Context, config: Config): Promise<StoreInspection | undefined> {
  const { inspectStore } = await import('../../app/compose/store-holder.ts');
  return inspectStore(config, io.clock).catch((error: unknown) => {
    // A store problem must not hide the health of the services.
    printer.warn(messageOf(error));
    return undefined;
  });
}

function print(
  printer: Printer,
  healths: readonly DaemonHealth[],
  store: StoreInspection | undefined,
  now: number,
): void {
  const withUrls = healths.every(({ url }) => url.length <= maxUrlWidth);
  const column = <T>(value: T): T[] => (withUrls ? [value] : []);
  printer.table(
    ['SERVICE', ...column('URL'), 'STATE', 'VERSION', 'UPTIME'],
    healths.map((health) => [
      health.name,
      ...column(health.url),
      health.state,
      health.version ?? '-',
      health.uptime === undefined ? '-' : formatElapsed(health.uptime),
    ]),
  );
  for (const health of healths) {
    if (!withUrls) printer.line(`${health.name} is at ${health.url}`);
    const details = [health.note, describeChecks(health)].filter((each) => each !== undefined && each !== '');
    const subject = health.name === unnamed ? health.url : health.name;
    for (const line of wrap(`${subject}: ${details.join('; ')}`)) printer.line(line);
  }
  if (store) for (const line of wrap(`store ${store.url}: ${describeHolder(store, now)}`)) printer.line(line);
}

/** The checks of a service, failed ones first. */
function describeChecks({ checks, reason }: DaemonHealth): string {
  if (reason !== undefined) return reason;
  const ordered = [...checks.filter(({ ok }) => !ok), ...checks.filter(({ ok }) => ok)];
  return ordered
    .map(({ name, ok, ms, reason: why }) => `${name} ${ok ? `${ms} ms` : (why ?? 'failed')}`)
    .join(', ');
}

/** Wraps the text at 80 columns, indenting continuation lines. */
function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > maxLineWidth) {
      lines.push(line);
      line = `  ${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function describeHolder({ summary, holder }: StoreInspection, now: number): string {
  if (summary !== undefined) return summary;
  if (!holder) return 'not in use';
  const seconds = (now - Date.parse(holder.since)) / 1_000;
  const age = Number.isFinite(seconds) ? ` (${formatElapsed(Math.max(0, seconds))})` : '';
  const who = `pid ${holder.pid} on host ${holder.host} since ${holder.since}${age}`;
  if (holder.state === 'dead')
    return `locked by ${who}, which no longer runs; the next \`swob serve\` takes over`;
  return `in use by ${who}`;
}
