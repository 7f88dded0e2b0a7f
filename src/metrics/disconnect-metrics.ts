// The metrics of the disconnect service. Part of the table in catalogue.ts.

import { latencyBoundsMs } from '../domain/monitoring/series.ts';
import { accountingOutcomes, dropReasons } from '../domain/wifi/datagram-outcomes.ts';
import { hostOutcomes } from '../domain/wifi/failover.ts';
import { backendNames } from '../domain/wifi/ports.ts';
import { verdicts } from '../domain/wifi/verification.ts';

export const disconnectMetrics = {
  swob_disconnects_total: {
    type: 'counter',
    help: 'Requests to disconnect a Wi-Fi user, by outcome.',
    labels: {
      outcome: [
        'done',
        'token_refused',
        'limited',
        'pcrf_failed',
        'pcrf_timeout',
        'nas_failed',
        'nas_timeout',
        'busy',
        'failed',
      ],
    },
  },
  swob_disconnect_backend_calls_total: {
    type: 'counter',
    help: 'Calls that ended, or failed to end, a session, by backend and outcome.',
    labels: {
      backend: backendNames,
      outcome: ['done', 'already_gone', 'rejected', 'unreachable', 'invalid', 'timeout', 'busy', 'failed'],
    },
  },
  swob_radius_packets_dropped_total: {
    type: 'counter',
    help: 'Datagrams that were received as answers of a NAS and dropped, by reason.',
    labels: {
      reason: dropReasons,
    },
  },
  swob_radius_accounting_packets_total: {
    type: 'counter',
    help: 'Datagrams that were received at [disconnect] accounting_port: Accounting-Requests by what they say of a session, and what was dropped by reason.',
    labels: {
      outcome: accountingOutcomes,
    },
  },
  swob_disconnect_verifications_total: {
    type: 'counter',
    help: 'Disconnects that were accepted and then verified, by whether the session was seen to be gone.',
    labels: { verdict: verdicts },
  },
  swob_pcrf_call_duration_seconds: {
    type: 'histogram',
    help: 'Time of a call to the PCRF, with the wait for a free connection, also of calls that failed.',
    labels: {},
    buckets: latencyBoundsMs.map((ms) => ms / 1_000),
  },
  swob_radius_call_duration_seconds: {
    type: 'histogram',
    help: 'Time of a disconnect at a NAS, with retransmissions and the wait for a free identifier, also of those that failed.',
    labels: {},
    buckets: latencyBoundsMs.map((ms) => ms / 1_000),
  },
  swob_pcrf_host_up: {
    type: 'gauge',
    help: 'Whether a host of the PCRF works: 0 after a call that failed, until one is answered.',
    labels: { host: 'any' },
    together: 'min',
  },
  swob_pcrf_host_calls_total: {
    type: 'counter',
    help: 'Calls to each host of the PCRF, queries for sessions included, by outcome.',
    labels: { host: 'any', outcome: hostOutcomes },
  },
  swob_disconnect_records_total: {
    type: 'counter',
    help: 'Records of the audit trail of disconnects: stored, not stored because the store failed, or dropped because too many waited.',
    labels: { outcome: ['stored', 'failed', 'dropped'] },
  },
} as const;
