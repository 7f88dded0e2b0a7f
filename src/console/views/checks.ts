// The checks of `swob doctor`, run by all nodes when an operator asks for them: the second part of the Settings page. Used by views.ts.

import { Type } from 'typebox';
import type { Clock } from '../../domain/shared/ports.ts';
import type { Finding } from '../../lib/finding.ts';
import {
  type ConsoleView,
  defineAction,
  defineView,
  missingPart,
  type NodesDeps,
  type NodesPart,
} from '../view.ts';

export interface ChecksDeps extends NodesDeps {
  readonly clock: Clock;
  /** Rejects with the signal's reason. */
  readonly runChecks: (signal: AbortSignal) => Promise<readonly Finding[]>;
}

/** A finding of one node or several. */
interface NodeFinding extends Finding {
  /** The nodes that found it, unless all did. */
  readonly nodes?: readonly string[];
}

export interface ChecksData extends NodesPart {
  readonly isRunning: boolean;
  /** The last run; undefined before the first. */
  readonly last: { readonly at: number; readonly findings: readonly NodeFinding[] } | undefined;
}

/** `recent`: the last run was seconds ago, and its findings are shown. */
export type RunChecksResult =
  | { readonly kind: 'done'; readonly failed: number; readonly warned: number; readonly total: number }
  | { readonly kind: 'recent' };

/** What one node found. */
interface NodeChecks {
  readonly isRunning: boolean;
  readonly last?: { readonly at: number; readonly findings: readonly Finding[] };
}

/** The checks connect to every system. */
const minIntervalMs = 5_000;
const timeoutMs = 20_000;

export function createChecksView({ clock, runChecks, nodes }: ChecksDeps): ConsoleView {
  let running: Promise<void> | undefined;
  let last: NodeChecks['last'];
  let endedAt = Number.NEGATIVE_INFINITY;

  const run = async (): Promise<void> => {
    const controller = new AbortController();
    const cancel = clock.after(timeoutMs, () => controller.abort(new Error('the checks took too long')));
    try {
      const findings = await runChecks(controller.signal);
      last = { at: clock.now(), findings };
    } finally {
      cancel();
      running = undefined;
      endedAt = clock.monotonic();
    }
  };
  const states = nodes.share(
    'checks',
    (_request: object): NodeChecks => ({
      isRunning: running !== undefined,
      ...(last && { last }),
    }),
  );
  const runAll = nodes.share(
    'run checks',
    async (_request: object) => {
      if (!running && clock.monotonic() - endedAt < minIntervalMs) return { ran: false };
      running ??= run();
      await running;
      return { ran: true, findings: last?.findings ?? [] };
    },
    { reuseMs: 0, timeoutMs: timeoutMs + 1_000 },
  );
  return defineView({
    name: 'checks',
    query: Type.Object({}, { additionalProperties: false }),
    everyMs: 1_000,
    read: async (): Promise<ChecksData> => {
      const { responses, missing } = await states({});
      const runs = responses.flatMap(({ node, response }) =>
        response.last ? [{ node, ...response.last }] : [],
      );
      return {
        isRunning: responses.some(({ response }) => response.isRunning),
        last:
          runs.length === 0
            ? undefined
            : { at: Math.max(...runs.map(({ at }) => at)), findings: mergeFindings(runs) },
        ...missingPart(missing),
      };
    },
    actions: {
      run: defineAction({
        body: Type.Object({}, { additionalProperties: false }),
        run: async (): Promise<RunChecksResult> => {
          const { responses } = await runAll({});
          const runs = responses.flatMap(({ node, response }) =>
            response.ran ? [{ node, findings: response.findings ?? [] }] : [],
          );
          if (runs.length === 0) return { kind: 'recent' };
          const findings = mergeFindings(runs);
          const count = (state: Finding['state']) =>
            findings.filter((finding) => finding.state === state).length;
          return { kind: 'done', failed: count('fail'), warned: count('warn'), total: findings.length };
        },
      }),
    },
  });
}

/** What all nodes found is there once. */
function mergeFindings(
  runs: readonly { readonly node: string; readonly findings: readonly Finding[] }[],
): readonly NodeFinding[] {
  const found = new Map<string, { readonly finding: Finding; readonly nodes: Set<string> }>();
  for (const { node, findings } of runs) {
    for (const finding of findings) {
      const key = JSON.stringify([finding.check, finding.state, finding.detail]);
      const known = found.get(key) ?? { finding, nodes: new Set<string>() };
      found.set(key, known);
      known.nodes.add(node);
    }
  }
  return [...found.values()].map(({ finding, nodes }) =>
    nodes.size === runs.length ? finding : { ...finding, nodes: [...nodes] },
  );
}
