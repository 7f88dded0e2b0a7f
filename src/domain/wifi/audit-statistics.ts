// What became of today's requests to the disconnect service in this process: counts by outcome and backend, latencies, and the
// last errors. In memory and bounded. Used by audit-trail.ts.

import { createDaily } from '../shared/daily.ts';
import { createLatencyWindow, type LatencySummary } from '../shared/latency-window.ts';
import type { Clock } from '../shared/ports.ts';
import { type AuditedOutcome, type DisconnectRecord, disconnectOutcomes } from './audit-model.ts';
import { type BackendName, backendNames } from './ports.ts';

export interface BackendStatistics {
  readonly backend: BackendName;
  /** Of today: calls that ended a session, those of them whose session was gone already, and others. */
  readonly ended: number;
  readonly alreadyGone: number;
  readonly failed: number;
  /** Of the latest calls, also of earlier days. */
  readonly latency?: LatencySummary;
}

/** A request with a valid token that did not end the session. */
interface DisconnectError {
  readonly id: string;
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly outcome: AuditedOutcome;
  readonly mac: string;
  readonly reason: string;
}

export interface DisconnectReport {
  /** Midnight UTC or the start of the process, whichever is later; Unix time in milliseconds. */
  readonly since: number;
  /** Those that occurred, in the order of `disconnectOutcomes`. */
  readonly outcomes: readonly { readonly outcome: AuditedOutcome; readonly count: number }[];
  /** Those that were called. */
  readonly backends: readonly BackendStatistics[];
  /** The latest first. */
  readonly errors: readonly DisconnectError[];
}

export interface DisconnectStatistics {
  add(record: DisconnectRecord): void;
  report(): DisconnectReport;
}

export const maxErrors = 10;
/** Outcomes that are not failures of a backend or of swob. */
const notErrors: readonly AuditedOutcome[] = ['disconnected', 'refused', 'limited', 'malformed'];

export function createDisconnectStatistics(clock: Pick<Clock, 'now'>): DisconnectStatistics {
  const today = createDaily(clock, newCounts);
  const latencies = new Map(backendNames.map((name) => [name, createLatencyWindow()]));
  let errors: readonly DisconnectError[] = [];

  return {
    add: ({ id, at, outcome, mac = '', reason = '', reports }) => {
      const { outcomes, backends } = today.current();
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      for (const { backend, kind, alreadyGone, durationMs, attempts } of reports) {
        const counts = backends.get(backend) ?? { ended: 0, alreadyGone: 0, failed: 0 };
        backends.set(backend, counts);
        if (kind === 'disconnected') counts.ended++;
        else counts.failed++;
        if (alreadyGone) counts.alreadyGone++;
        if (attempts > 0) latencies.get(backend)?.add(durationMs);
      }
      if (notErrors.includes(outcome)) return;
      errors = [{ id, at, outcome, mac, reason }, ...errors].slice(0, maxErrors);
    },
    report: () => {
      const { outcomes, backends } = today.current();
      return {
        since: today.since(),
        outcomes: disconnectOutcomes.flatMap((outcome) => {
          const count = outcomes.get(outcome);
          return count === undefined ? [] : [{ outcome, count }];
        }),
        backends: backendNames.flatMap((backend) => {
          const counts = backends.get(backend);
          const latency = latencies.get(backend)?.summary();
          if (!counts && !latency) return [];
          const zero = { ended: 0, alreadyGone: 0, failed: 0 };
          return [{ backend, ...(counts ?? zero), ...(latency && { latency }) }];
        }),
        errors,
      };
    },
  };
}

interface Counts {
  readonly outcomes: Map<AuditedOutcome, number>;
  readonly backends: Map<BackendName, { ended: number; alreadyGone: number; failed: number }>;
}

function newCounts(): Counts {
  return { outcomes: new Map(), backends: new Map() };
}
