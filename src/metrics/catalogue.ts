// Every metric with its type, help text and labels, in one place: a metric or label that is not here does not compile, and a
// label value that is here shows as 0 from the start. Used by registry.ts; test/metrics holds the services to it.

import { leasedWork } from '../domain/shared/coalesce.ts';
import { refusingLimits } from '../domain/shared/limit-keys.ts';
import { disconnectMetrics } from './disconnect-metrics.ts';
import { outgoingMetrics } from './outgoing-metrics.ts';

export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** The values of each label, or `any` for those that depend on the machine, the version or the routes. */
  readonly labels: Readonly<Record<string, readonly string[] | 'any'>>;
  /** Upper bounds of a histogram, lowest first. */
  readonly buckets?: readonly number[];
  /** How the values of several worker processes become one: their sum, unless given. */
  readonly together?: 'min' | 'max';
}

const requestLabels = { service: 'any', method: 'any', route: 'any', status: 'any' } as const;

export const metricCatalogue = {
  swob_build_info: {
    type: 'gauge',
    help: 'Version of swob and of Node; always 1.',
    labels: { version: 'any', node: 'any' },
    together: 'max',
  },
  swob_http_requests_total: {
    type: 'counter',
    help: 'Completed requests, by route pattern and status class.',
    labels: requestLabels,
  },
  swob_http_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from the headers of a request to the end of its response, by route pattern and status class.',
    labels: requestLabels,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  swob_workers: {
    type: 'gauge',
    help: 'Worker processes whose services listen, of `swob serve --workers`; 0 for a single process.',
    labels: {},
  },
  swob_worker_replacements_total: {
    type: 'counter',
    help: 'Worker processes that were replaced, because they had ended or for a reload.',
    labels: { cause: ['ended', 'reload'] },
  },
  swob_event_loop_delay_seconds: {
    type: 'gauge',
    help: 'Delay of the event loop since the last scrape, while there was work.',
    labels: { stat: ['p50', 'p99', 'max'] },
    together: 'max',
  },
  swob_event_loop_utilization_ratio: {
    type: 'gauge',
    help: 'Share of the time since the last scrape in which the event loop was busy.',
    labels: {},
    together: 'max',
  },
  swob_overload_refusals_total: {
    type: 'counter',
    help: 'Requests and websockets rejected because the process was overloaded; see [overload].',
    labels: {},
  },
  swob_request_body_bytes: {
    type: 'gauge',
    help: 'Memory reserved for request bodies, of [overload] max_bodies.',
    labels: {},
  },
  swob_request_body_refusals_total: {
    type: 'counter',
    help: 'Requests rejected because their body exceeded what was left of [overload] max_bodies.',
    labels: {},
  },
  swob_client_connections: {
    type: 'gauge',
    help: 'Open connections of clients, to all services.',
    labels: {},
  },
  swob_client_connections_closed_total: {
    type: 'counter',
    help: 'Client connections closed by the connection limit: idle ones evicted for new ones (idle), new ones when none was idle (full), too many pipelined requests (pipelining), too much sent without a response (headers).',
    labels: { reason: ['idle', 'full', 'pipelining', 'headers'] },
  },
  swob_sync_sockets: { type: 'gauge', help: 'Open sync websockets.', labels: {} },
  swob_upstream_connections: {
    type: 'gauge',
    help: 'Connections to an upstream system, and calls that wait for one.',
    labels: { upstream: ['pcrf', 'publisher', 'relay'], state: ['in_use', 'idle', 'waiting'] },
  },
  swob_log_lines_dropped_total: {
    type: 'counter',
    help: 'Log lines lost, by target.',
    labels: { target: ['file', 'gelf'] },
  },
  swob_log_lines_suppressed_total: {
    type: 'counter',
    help: 'Lines at warn and error that were not logged, because their text had reached [logging] max_repeats.',
    labels: {},
  },
  swob_limit_refusals_total: {
    type: 'counter',
    help: 'Events that a rate limit of [limits] rejected, by what the limit counts.',
    labels: { limit: refusingLimits },
  },
  swob_leases_lost_total: {
    type: 'counter',
    help: 'Leases that expired before their work ended: another process may have repeated the work.',
    labels: { work: leasedWork },
  },
  swob_seeds_registered: {
    type: 'gauge',
    help: 'IMSIs in the store, of [seeds] max_registered.',
    labels: {},
    together: 'max',
  },
  swob_seeds_evicted_total: {
    type: 'counter',
    help: 'Seeds evicted because the store was full.',
    labels: {},
  },
  swob_reliability_tests_total: {
    type: 'counter',
    help: 'Reliability tests of gateway clients: started, arrived (success), not arrived in 10 minutes (timedout; only tests of this process), SMS not sent (cancelled), and SMS that looked like a test and were none (refused).',
    labels: { event: ['started', 'success', 'timedout', 'cancelled', 'refused'] },
  },
  swob_pairing_revocations_total: {
    type: 'counter',
    help: 'Revocations of pairings that operators requested, by outcome.',
    labels: { outcome: ['revoked', 'already_revoked', 'unknown', 'failed'] },
  },
  swob_pairings_total: {
    type: 'counter',
    help: 'Pairing steps, by outcome.',
    labels: {
      outcome: [
        'opened',
        'handshake',
        'paired',
        'replaced',
        'wrong_password',
        'limited',
        'invalid',
        'conflict',
        'failed',
      ],
    },
  },
  swob_inbound_sms_total: {
    type: 'counter',
    help: 'Inbound SMS, by the response to the client.',
    labels: { outcome: ['published', 'accepted', 'recorded', 'refused', 'limited', 'failed'] },
  },
  swob_sms_refusals_total: {
    type: 'counter',
    help: 'Inbound SMS refused after they were parsed, by reason, and duplicates, which get the response of the first; see `swob sms refused`.',
    labels: {
      reason: [
        'not_base64',
        'duplicate',
        'sender',
        'test',
        'address_limit',
        'sender_limit',
        'unknown_number',
        'not_paired',
        'revoked',
        'wrong_key',
        'no_relay',
        'country',
        'relay_quota',
        'evicted',
        'parts_limit',
        'unverified_sender',
      ],
    },
  },
  swob_publisher_calls_total: {
    type: 'counter',
    help: 'Calls to the Publisher, by outcome; after `unknown` the message may have been delivered.',
    labels: { outcome: ['published', 'not_sent', 'refused', 'rejected', 'failed', 'unknown'] },
  },
  swob_relay_calls_total: {
    type: 'counter',
    help: 'Calls to the RelaySMS Publisher, by outcome; after `unknown` it may have the payload.',
    labels: { outcome: ['published', 'not_sent', 'refused', 'rejected', 'failed', 'unknown'] },
  },
  swob_outbox_entries: {
    type: 'gauge',
    help: 'Messages and callbacks in the outboxes: waiting for another attempt, or dead-lettered.',
    labels: { kind: ['message', 'callback'], state: ['waiting', 'dead_lettered'] },
    together: 'max',
  },
  swob_outbox_dead_lettered_total: {
    type: 'counter',
    help: 'Messages dead-lettered, see `swob sms failed`, and callbacks that are dropped or no longer attempted, see the log.',
    labels: { kind: ['message', 'callback'] },
  },
  swob_outbox_unverified: {
    type: 'gauge',
    help: 'Messages in the outbox whose sender the back end has not verified yet.',
    labels: {},
  },
  swob_outbox_relayed: {
    type: 'gauge',
    help: 'Messages in the outbox for the RelaySMS Publisher, waiting or dead-lettered.',
    labels: {},
  },
  swob_relayed_sms_total: {
    type: 'counter',
    help: 'SMS for the RelaySMS Publisher that were not kept: refused by the quota of their sender or address, or evicted later.',
    labels: { outcome: ['refused', 'evicted'] },
  },
  swob_unverified_sms_total: {
    type: 'counter',
    help: 'SMS of unverified senders that were not kept while the back end was unavailable: refused by the quota of their sender or address, or evicted later.',
    labels: { outcome: ['refused', 'evicted'] },
  },
  ...outgoingMetrics,
  ...disconnectMetrics,
  swob_console_sign_ins_total: {
    type: 'counter',
    help: 'Attempts to sign in to the console, by outcome.',
    labels: { outcome: ['accepted', 'wrong', 'limited'] },
  },
  swob_console_streams: { type: 'gauge', help: 'Live streams of console pages that are open.', labels: {} },
  swob_console_streams_refused_total: {
    type: 'counter',
    help: 'Live streams of console pages that were refused, or ended because the page did not read them.',
    labels: { reason: ['full', 'session_full', 'slow'] },
  },
  process_cpu_seconds_total: { type: 'counter', help: 'User and system CPU time.', labels: {} },
  process_start_time_seconds: {
    type: 'gauge',
    help: 'When the process started, Unix time.',
    labels: {},
    together: 'min',
  },
  process_resident_memory_bytes: { type: 'gauge', help: 'Resident memory.', labels: {} },
  nodejs_heap_size_used_bytes: { type: 'gauge', help: 'Heap in use.', labels: {} },
  nodejs_heap_size_total_bytes: { type: 'gauge', help: 'Heap allocated.', labels: {} },
  nodejs_external_memory_bytes: {
    type: 'gauge',
    help: 'Memory outside the heap, such as buffers.',
    labels: {},
  },
  nodejs_active_resources: {
    type: 'gauge',
    help: 'Resources that keep the event loop alive, by type.',
    labels: { type: 'any' },
  },
  process_open_fds: { type: 'gauge', help: 'Open file descriptors.', labels: {} },
  process_max_fds: { type: 'gauge', help: 'Maximum number of open file descriptors.', labels: {} },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
