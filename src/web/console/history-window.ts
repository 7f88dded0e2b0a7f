// Applies the changes of live plots. Used by the Overview, and without a page by its tests.

import type {
  HistoryWindow,
  OverviewChange,
  OverviewData,
  PlotName,
  WindowChange,
} from '../../console/views/overview.ts';

/** The window after a change; `before` and `change` are of the same range. */
export function applyChange(before: HistoryWindow, change: WindowChange): HistoryWindow {
  const names = Object.keys(change.columns) as PlotName[];
  const column = (name: PlotName): (number | null)[] => [
    ...before.columns[name].slice(change.start - before.first, change.first - before.first),
    ...change.columns[name],
  ];
  return {
    step: change.step,
    first: change.start,
    length: change.first + change.length - change.start,
    columns: Object.fromEntries(names.map((name) => [name, column(name)])) as Record<
      PlotName,
      (number | null)[]
    >,
  };
}

export function applyOverviewChange(
  before: OverviewData,
  { change, ...others }: OverviewChange,
): OverviewData {
  return { ...before, ...others, window: change ? applyChange(before.window, change) : before.window };
}
