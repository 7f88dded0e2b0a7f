// The Outgoing view: today's outgoing SMS and callbacks by outcome, latencies, last errors. Used by views.ts.

import { Type } from 'typebox';
import { mergeReports } from '../../domain/outgoing/merged-report.ts';
import type { SendingReport } from '../../domain/outgoing/sending-statistics.ts';
import { type ConsoleView, defineView, missingPart, type NodesDeps, type NodesPart } from '../view.ts';

const brokerStates = ['unreachable', 'blocked', 'ok', 'not configured'] as const;
type BrokerState = (typeof brokerStates)[number];

export interface OutgoingDeps extends NodesDeps {
  readonly outgoing: {
    report(): SendingReport;
    /** Callbacks that wait for another attempt. */
    waitingCallbacks(): Promise<number>;
    /** Undefined when no broker is configured. */
    readonly brokerState: (() => 'ok' | 'unreachable' | 'blocked') | undefined;
  };
}

export interface OutgoingData extends SendingReport, NodesPart {
  /** The worst of all nodes. */
  readonly broker: BrokerState;
  readonly waitingCallbacks: number;
}

export function createOutgoingView({ outgoing, nodes }: OutgoingDeps): ConsoleView {
  const reports = nodes.share('outgoing', (_question: object) => ({
    report: outgoing.report(),
    broker: outgoing.brokerState?.() ?? ('not configured' as const),
  }));
  return defineView({
    name: 'outgoing',
    query: Type.Object({}, { additionalProperties: false }),
    everyMs: 2_000,
    read: async (): Promise<OutgoingData> => {
      const { answers, missing } = await reports({});
      const states = answers.map(({ answer }) => answer.broker);
      return {
        ...mergeReports(answers.map(({ answer }) => answer.report)),
        ...missingPart(missing),
        broker: brokerStates.find((state) => states.includes(state)) ?? 'not configured',
        waitingCallbacks: await outgoing.waitingCallbacks(),
      };
    },
  });
}
