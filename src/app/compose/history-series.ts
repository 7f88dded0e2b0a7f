// The series of the monitoring history from the metrics that count already. Used by app-metrics.ts.

import type { Totals } from '../../domain/monitoring/sampler.ts';
import { latencySeriesOf, type SeriesName, timedSystems } from '../../domain/monitoring/series.ts';
import type { LabelOf, MetricsRegistry, SeriesTotal } from '../../metrics/registry.ts';

/** What becomes of each outcome; undefined: it is in no series. */
const inboundSeries = {
  published: 'inbound',
  accepted: 'inbound',
  recorded: undefined,
  refused: 'inbound_refused',
  limited: 'inbound_refused',
  failed: 'inbound_refused',
} as const satisfies Record<LabelOf<'swob_inbound_sms_total'>, SeriesName | undefined>;

const publishSeries = {
  published: 'published',
  not_sent: 'publish_failed',
  refused: 'publish_failed',
  rejected: 'publish_failed',
  failed: 'publish_failed',
  unknown: 'publish_failed',
} as const satisfies Record<
  LabelOf<'swob_publisher_calls_total'> & LabelOf<'swob_relay_calls_total'>,
  SeriesName
>;

const outgoingSeries = {
  sent: 'outgoing_sent',
  unroutable: 'outgoing_unroutable',
  refused: 'outgoing_refused',
  unconfirmed: 'outgoing_unconfirmed',
  failed: 'outgoing_failed',
} as const satisfies Record<LabelOf<'swob_outgoing_sms_total'>, SeriesName>;

const stateSeries = {
  sent: 'sms_sent',
  delivered: 'sms_delivered',
  failed: 'sms_failed',
  expired: 'sms_expired',
  cancelled: 'sms_cancelled',
} as const satisfies Record<LabelOf<'swob_outgoing_states_total'>, SeriesName>;

/** Outcomes without a series of their own count as failed. */
const disconnectSeries: Readonly<Record<string, SeriesName>> = {
  done: 'disconnect_done',
  token_refused: 'disconnect_token_refused',
  limited: 'disconnect_limited',
  pcrf_failed: 'disconnect_pcrf_failed',
  pcrf_timeout: 'disconnect_pcrf_timeout',
  nas_failed: 'disconnect_nas_failed',
  nas_timeout: 'disconnect_nas_timeout',
  busy: 'disconnect_busy',
};

/** Reads plain numbers, so that it may be called every second. */
export function readSeriesTotals(registry: MetricsRegistry, openSockets: (() => number) | undefined): Totals {
  const totals: Partial<Record<SeriesName, number>> = {};
  const add = (
    counted: readonly SeriesTotal[],
    seriesOf: (value: string) => SeriesName | undefined,
  ): void => {
    for (const { values, total } of counted) {
      const name = seriesOf(values[0] ?? '');
      if (name) totals[name] = (totals[name] ?? 0) + total;
    }
  };
  add(registry.totals('swob_inbound_sms_total'), nameIn(inboundSeries));
  add(registry.totals('swob_publisher_calls_total'), nameIn(publishSeries));
  add(registry.totals('swob_relay_calls_total'), nameIn(publishSeries));
  add(registry.totals('swob_outgoing_sms_total'), nameIn(outgoingSeries));
  add(registry.totals('swob_outgoing_states_total'), nameIn(stateSeries));
  add(registry.totals('swob_outbox_dead_lettered_total'), (kind) =>
    kind === 'message' ? 'dead_lettered' : undefined,
  );
  add(registry.totals('swob_pairings_total'), (outcome) => (outcome === 'paired' ? 'pairings' : undefined));
  add(
    registry.totals('swob_disconnects_total'),
    (outcome) => disconnectSeries[outcome] ?? 'disconnect_failed',
  );
  for (const system of timedSystems) {
    const calls = registry.bucketTotals(`swob_${system}_call_duration_seconds`);
    if (calls)
      for (const [index, name] of latencySeriesOf(system).entries()) totals[name] = calls[index] ?? 0;
  }
  if (openSockets) totals.sockets = openSockets();
  totals.memory = residentKiB();
  return totals;
}

function nameIn(table: Readonly<Record<string, SeriesName | undefined>>) {
  return (value: string): SeriesName | undefined => table[value];
}

/** Node reads a file for this, which fails without free descriptors. */
function residentKiB(): number {
  try {
    return process.memoryUsage.rss() / 1_024;
  } catch {
    return 0;
  }
}
