// What became of today's outgoing SMS and callbacks in this process: counts by outcome and operator, latencies, and the last
// errors. In memory and bounded. Used by the console's outgoing SMS.

import { messageOf } from '../../errors.ts';
import { createDaily } from '../shared/daily.ts';
import { createLatencyWindow, type LatencySummary } from '../shared/latency-window.ts';
import type { Clock } from '../shared/ports.ts';
import { notSentInTime } from './dispatch.ts';
import type { OutgoingSms } from './model.ts';
import type { Broker, CallbackSender } from './ports.ts';

/** As `swob_outgoing_sms_total` counts them. */
const sendingOutcomes = ['sent', 'unroutable', 'refused', 'unconfirmed', 'failed'] as const;
type SendingOutcome = (typeof sendingOutcomes)[number];
type OutcomeCounts = Readonly<Record<SendingOutcome, number>>;

interface SendingError {
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly outcome: Exclude<SendingOutcome, 'sent'> | 'callback';
  /** Empty for callbacks, and where unknown. */
  readonly operator: string;
  /** The developer; empty for callbacks. */
  readonly authId: string;
  readonly reason: string;
}

export interface SendingReport {
  /** Midnight UTC or the start of the process, whichever is later; Unix time in milliseconds. */
  readonly since: number;
  readonly outcomes: OutcomeCounts;
  /** The busiest first. */
  readonly operators: readonly { readonly operator: string; readonly counts: OutcomeCounts }[];
  /** Milliseconds to the broker's confirm, of the latest SMS; undefined before the first. */
  readonly latency?: LatencySummary;
  readonly callbacks: {
    readonly delivered: number;
    readonly refused: number;
    readonly failed: number;
    /** No longer attempted. */
    readonly deadLettered: number;
  };
  /** The latest first. */
  readonly errors: readonly SendingError[];
}

export interface SendingStatistics {
  /** A broker that is counted. */
  broker(broker: Broker): Broker;
  callbacks(sender: CallbackSender): CallbackSender;
  callbackDeadLettered(): void;
  report(): SendingReport;
}

/** Further ones are counted as `others`. */
const maxOperators = 200;
const others = 'others';
export const maxErrors = 50;
const maxReason = 300;
const maxName = 100;

export function createSendingStatistics(clock: Pick<Clock, 'now' | 'monotonic'>): SendingStatistics {
  const today = createDaily(clock, newCounts);
  const latencies = createLatencyWindow();
  let errors: readonly SendingError[] = [];

  const addError = (error: Omit<SendingError, 'at'>): void => {
    const { outcome, operator, authId, reason } = error;
    const bounded = {
      operator: cut(operator, maxName),
      authId: cut(authId, maxName),
      reason: cut(reason, maxReason),
    };
    errors = [{ at: clock.now(), outcome, ...bounded }, ...errors].slice(0, maxErrors);
  };
  const count = ({ operatorName, authId }: OutgoingSms, outcome: SendingOutcome, reason: string): void => {
    const { outcomes, operators } = today.current();
    outcomes[outcome]++;
    const isCounted = operators.has(operatorName) || operators.size < maxOperators;
    const name = isCounted ? operatorName : others;
    const counts = operators.get(name) ?? noOutcomes();
    operators.set(name, counts);
    counts[outcome]++;
    if (outcome !== 'sent') addError({ outcome, operator: operatorName, authId, reason });
  };

  return {
    broker: (broker) => ({
      ...broker,
      send: async (sms) => {
        const begun = clock.monotonic();
        try {
          const result = await broker.send(sms);
          const { kind } = result;
          if (kind === 'expired') count(sms, 'failed', notSentInTime);
          else count(sms, kind, kind === 'sent' ? '' : reasons[kind]);
          if (kind === 'sent') latencies.add(clock.monotonic() - begun);
          return result;
        } catch (error) {
          count(sms, 'failed', messageOf(error));
          throw error;
        }
      },
    }),
    callbacks: (sender) => ({
      ...sender,
      send: async (...args) => {
        const result = await sender.send(...args);
        today.current().callbacks[result.kind]++;
        if (result.kind !== 'delivered')
          addError({ outcome: 'callback', operator: '', authId: '', reason: result.reason });
        return result;
      },
    }),
    callbackDeadLettered: () => {
      today.current().callbacks.deadLettered++;
    },
    report: () => {
      const { outcomes, operators, callbacks } = today.current();
      const latency = latencies.summary();
      return {
        since: today.since(),
        outcomes: { ...outcomes },
        operators: [...operators]
          .map(([operator, counts]) => ({ operator, counts: { ...counts } }))
          .sort((a, b) => sumOf(b.counts) - sumOf(a.counts)),
        ...(latency && { latency }),
        callbacks: { ...callbacks },
        errors,
      };
    },
  };
}

const reasons = {
  unroutable: 'no gateway client has a queue for this operator',
  refused: 'the queue of its gateway clients is full',
  unconfirmed: 'the broker did not confirm it; it may have been sent',
} as const;

interface Counts {
  readonly outcomes: Record<SendingOutcome, number>;
  readonly operators: Map<string, Record<SendingOutcome, number>>;
  readonly callbacks: { delivered: number; refused: number; failed: number; deadLettered: number };
}

function newCounts(): Counts {
  return {
    outcomes: noOutcomes(),
    operators: new Map(),
    callbacks: { delivered: 0, refused: 0, failed: 0, deadLettered: 0 },
  };
}

function noOutcomes(): Record<SendingOutcome, number> {
  return { sent: 0, unroutable: 0, refused: 0, unconfirmed: 0, failed: 0 };
}

export function sumOf(counts: OutcomeCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Copies the start of the text: a slice would keep the whole text in memory. */
function cut(text: string, most: number): string {
  return text.length <= most ? text : Buffer.from(text.slice(0, most)).toString();
}
