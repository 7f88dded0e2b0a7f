// The Outgoing view: today's outgoing SMS and callbacks by outcome, latencies, last errors. Used by views.ts.

import { Type } from 'typebox';
import type { SendingReport } from '../../domain/outgoing/sending-statistics.ts';
import { type ConsoleView, defineView } from '../view.ts';

export interface OutgoingDeps {
  readonly outgoing: {
    report(): SendingReport;
    /** Callbacks that wait for another attempt. */
    waitingCallbacks(): Promise<number>;
    /** Undefined when no broker is configured. */
    readonly brokerState: (() => 'ok' | 'unreachable' | 'blocked') | undefined;
  };
}

export interface OutgoingData extends SendingReport {
  readonly broker: 'ok' | 'unreachable' | 'blocked' | 'not configured';
  readonly waitingCallbacks: number;
}

export function createOutgoingView({ outgoing }: OutgoingDeps): ConsoleView {
  return defineView({
    name: 'outgoing',
    query: Type.Object({}, { additionalProperties: false }),
    everyMs: 2_000,
    read: async (): Promise<OutgoingData> => ({
      ...outgoing.report(),
      broker: outgoing.brokerState?.() ?? 'not configured',
      waitingCallbacks: await outgoing.waitingCallbacks(),
    }),
  });
}
