// The metrics of outgoing SMS. Part of the table in catalogue.ts.

import { waitReasons } from '../domain/outgoing/pacing.ts';
import { routeFaults } from '../domain/outgoing/routes-health.ts';

export const outgoingMetrics = {
  swob_outgoing_sms_total: {
    type: 'counter',
    help: 'Outgoing SMS, by what the broker did with them.',
    labels: { outcome: ['sent', 'unroutable', 'refused', 'unconfirmed', 'failed'] },
  },
  swob_outgoing_states_total: {
    type: 'counter',
    help: 'Outgoing SMS that have entered each state, by reports of phones and by swob.',
    labels: { state: ['sent', 'delivered', 'failed', 'expired', 'cancelled'] },
  },
  swob_callback_attempts_total: {
    type: 'counter',
    help: "Attempts to deliver a result to a developer's callback URL, by outcome.",
    labels: { outcome: ['delivered', 'refused', 'failed'] },
  },
  swob_outgoing_waiting: {
    type: 'gauge',
    help: 'Outgoing SMS that wait in swob, of [outgoing] max_waiting.',
    labels: {},
    together: 'max',
  },
  swob_outgoing_oldest_wait_seconds: {
    type: 'gauge',
    help: 'How long the first SMS of a queue has waited at most, of the queues that this process paces.',
    labels: {},
    together: 'max',
  },
  swob_outgoing_waits_total: {
    type: 'counter',
    help: 'Outgoing SMS that could not be given to the broker when they were accepted, by what they wait for: [outgoing] rate, daily or quiet, or the time that the developer chose.',
    labels: { why: waitReasons },
  },
  swob_outgoing_routes_passed_over: {
    type: 'gauge',
    help: 'Routes of outgoing SMS that this process tries last, because their phones fail or do not report.',
    labels: {},
    together: 'max',
  },
  swob_outgoing_route_faults_total: {
    type: 'counter',
    help: 'How often a route of outgoing SMS was passed over: its phones failed [outgoing] max_failures times in a row (failed), or did not report while others did (silent).',
    labels: { why: routeFaults },
  },
} as const;
