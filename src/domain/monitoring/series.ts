// The series of the monitoring history: what each counts, and how its values are combined over time and over nodes. Used by the
// history and by whoever records or plots it.

export interface SeriesDefinition {
  /** `count`: events in a period, added up over time. `gauge`: a state, of which a longer period keeps the greatest. */
  readonly kind: 'count' | 'gauge';
  /** How the values of several nodes become one. Nodes that share a store all see the same outbox, so its gauges are not added. */
  readonly merge: 'sum' | 'max';
}

const count = { kind: 'count', merge: 'sum' } as const;

/** Upper bounds of the classes of latency of PCRF and RADIUS, in milliseconds, lowest first; one more class has no bound. */
export const latencyBoundsMs = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;

/** In the order of the stored columns. All values are whole numbers. */
export const seriesTable = {
  /** SMS accepted from gateway clients; those that were refused, limited or failed. */
  inbound: count,
  inbound_refused: count,
  /** Deliveries to the Publisher and the RelaySMS Publisher; attempts that were not successful. */
  published: count,
  publish_failed: count,
  dead_lettered: count,
  /** Outgoing SMS by what the broker did with them. */
  outgoing_sent: count,
  outgoing_unroutable: count,
  outgoing_refused: count,
  outgoing_unconfirmed: count,
  outgoing_failed: count,
  /** Outgoing SMS by the state that they entered. */
  sms_sent: count,
  sms_delivered: count,
  sms_failed: count,
  sms_expired: count,
  sms_cancelled: count,
  pairings: count,
  disconnect_done: count,
  disconnect_token_refused: count,
  disconnect_limited: count,
  disconnect_pcrf_failed: count,
  disconnect_pcrf_timeout: count,
  disconnect_nas_failed: count,
  disconnect_nas_timeout: count,
  disconnect_busy: count,
  disconnect_failed: count,
  /** Calls to the PCRF by latency, one series for each class. */
  pcrf_calls_0: count,
  pcrf_calls_1: count,
  pcrf_calls_2: count,
  pcrf_calls_3: count,
  pcrf_calls_4: count,
  pcrf_calls_5: count,
  pcrf_calls_6: count,
  pcrf_calls_7: count,
  pcrf_calls_8: count,
  pcrf_calls_9: count,
  pcrf_calls_10: count,
  pcrf_calls_11: count,
  /** The same for RADIUS. */
  radius_calls_0: count,
  radius_calls_1: count,
  radius_calls_2: count,
  radius_calls_3: count,
  radius_calls_4: count,
  radius_calls_5: count,
  radius_calls_6: count,
  radius_calls_7: count,
  radius_calls_8: count,
  radius_calls_9: count,
  radius_calls_10: count,
  radius_calls_11: count,
  /** Messages in the outbox. */
  waiting: { kind: 'gauge', merge: 'max' },
  dead_letters: { kind: 'gauge', merge: 'max' },
  /** Open sync websockets. */
  sockets: { kind: 'gauge', merge: 'sum' },
  /** Delay of the event loop in microseconds. */
  loop_delay: { kind: 'gauge', merge: 'max' },
  /** Resident memory in KiB. */
  memory: { kind: 'gauge', merge: 'max' },
} as const satisfies Readonly<Record<string, SeriesDefinition>>;

export type SeriesName = keyof typeof seriesTable;

export const seriesNames = Object.keys(seriesTable) as readonly SeriesName[];

/** The systems whose calls are counted by latency. */
export const timedSystems = ['pcrf', 'radius'] as const;
type TimedSystem = (typeof timedSystems)[number];

/** The series of each class of latency. */
export function latencySeriesOf(system: TimedSystem): readonly SeriesName[] {
  return seriesNames.filter((name) => name.startsWith(`${system}_calls_`));
}

/** Values of one period; a series that is not known then is left out. */
export type SeriesValues = Readonly<Partial<Record<SeriesName, number>>>;
