// The Overview view: whether messages flow, plots of the history, health of dependencies, nodes. Used by views.ts.

import { Type } from 'typebox';
import { changeOf, type RangeName } from '../../domain/monitoring/history-window.ts';
import type { HistoryWindow, WindowChange } from '../../domain/monitoring/model.ts';
import type { Overview } from '../../domain/monitoring/monitor.ts';
import { type ConsoleView, defineView } from '../view.ts';

export type { HealthEntry, PlotName } from '../../domain/monitoring/model.ts';
export type { NodeView } from '../../domain/monitoring/monitor.ts';
export type { HistoryWindow, WindowChange };

export interface OverviewDeps {
  readonly overview: (range: RangeName) => Promise<Overview>;
}

export type OverviewData = Overview;

/** What has changed since the last event; members that have not are left out. */
export interface OverviewChange extends Partial<Omit<Overview, 'window'>> {
  readonly change?: WindowChange;
}

/** One period of the shortest range is a second, and of the longest an hour. */
const everyMs = { '10m': 1_000, '1h': 2_000, '24h': 5_000, '30d': 5_000 } as const;

export function createOverviewView({ overview }: OverviewDeps): ConsoleView {
  return defineView({
    name: 'overview',
    query: Type.Object(
      {
        range: Type.Union(
          [Type.Literal('10m'), Type.Literal('1h'), Type.Literal('24h'), Type.Literal('30d')],
          { default: '1h' },
        ),
      },
      { additionalProperties: false },
    ),
    everyMs: ({ range }) => everyMs[range],
    read: ({ range }) => overview(range),
    changes: overviewChange,
  });
}

/** Undefined when nothing has changed. */
function overviewChange(before: Overview, after: Overview): OverviewChange | undefined {
  const change = changeOf(before.window, after.window);
  const differs = (name: 'verdict' | 'health' | 'nodes'): boolean =>
    JSON.stringify(before[name]) !== JSON.stringify(after[name]);
  const changed: OverviewChange = {
    ...(change && { change }),
    ...(differs('verdict') && { verdict: after.verdict }),
    ...(differs('health') && { health: after.health }),
    ...(differs('nodes') && { nodes: after.nodes }),
  };
  return Object.keys(changed).length > 0 ? changed : undefined;
}
