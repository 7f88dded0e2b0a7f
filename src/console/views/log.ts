// The last lines of the log of all nodes: the third part of the Settings page. Used by views.ts.

import { Type } from 'typebox';
import type { NodeResponse } from '../../domain/shared/node-requests.ts';
import {
  type ConsoleView,
  defineAction,
  defineView,
  missingPart,
  type NodesDeps,
  type NodesPart,
} from '../view.ts';

const levels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof levels)[number];

export interface LogLine {
  readonly number: number;
  /** ISO 8601. */
  readonly time: string;
  readonly level: LogLevel;
  readonly service: string | undefined;
  readonly message: string;
  /** Further members as JSON. */
  readonly fields: string;
  /** Where it was logged, when there are several nodes. */
  readonly node?: string;
}

export interface LogDeps extends NodesDeps {
  readonly logTail: {
    read(level: LogLevel, limit: number): LogLine[];
    lowerLevel(level: LogLevel, ms: number): void;
    readonly lowered: { readonly level: LogLevel; readonly until: number } | undefined;
  };
}

export interface LogData extends NodesPart {
  /** The newest first. */
  readonly lines: readonly LogLine[];
  /** The level that an operator has set, and when it ends (Unix time in milliseconds). */
  readonly lowered: { readonly level: LogLevel; readonly until: number } | undefined;
}

export type SetLevelResult = { readonly kind: 'set'; readonly level: LogLevel; readonly until: number };

const maxLines = 100;
const maxMinutes = 60;
const level = Type.Union(levels.map((name) => Type.Literal(name)));

export function createLogView({ logTail, nodes }: LogDeps): ConsoleView {
  const tails = nodes.share('log', (request: { readonly level: LogLevel }) => ({
    lines: logTail.read(request.level, maxLines),
    lowered: logTail.lowered,
  }));
  const setLevels = nodes.share(
    'log level',
    (request: { readonly level: LogLevel; readonly ms: number }) => {
      logTail.lowerLevel(request.level, request.ms);
      return {};
    },
    { reuseMs: 0 },
  );
  return defineView({
    name: 'log',
    query: Type.Object({ level: Type.Optional(level) }, { additionalProperties: false }),
    everyMs: 1_000,
    read: async (query): Promise<LogData> => {
      const { responses, missing } = await tails({ level: query.level ?? 'debug' });
      return {
        lines: mergeLines(responses),
        lowered: responses.find(({ response }) => response.lowered)?.response.lowered,
        ...missingPart(missing),
      };
    },
    actions: {
      level: defineAction({
        body: Type.Object(
          { level, minutes: Type.Integer({ minimum: 1, maximum: maxMinutes }) },
          { additionalProperties: false },
        ),
        run: async (body, { now }): Promise<SetLevelResult> => {
          await setLevels({ level: body.level, ms: body.minutes * 60_000 });
          return { kind: 'set', level: body.level, until: logTail.lowered?.until ?? now };
        },
      }),
    },
  });
}

/** Each node has its lines newest first; the sort keeps the order of those of the same millisecond. */
function mergeLines(responses: readonly NodeResponse<{ readonly lines: readonly LogLine[] }>[]): LogLine[] {
  const lines = responses.flatMap(({ node, response }) =>
    responses.length > 1 ? response.lines.map((line) => ({ ...line, node })) : response.lines,
  );
  return responses.length > 1
    ? lines.sort((a, b) => Date.parse(b.time) - Date.parse(a.time)).slice(0, maxLines)
    : lines;
}
