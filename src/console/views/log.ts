// The last lines of the log of this process: the third part of the Settings page. Used by views.ts.

import { Type } from 'typebox';
import { type ConsoleView, defineAction, defineView } from '../view.ts';

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
}

export interface LogDeps {
  readonly logTail: {
    read(level: LogLevel, limit: number): LogLine[];
    lowerLevel(level: LogLevel, ms: number): void;
    readonly lowered: { readonly level: LogLevel; readonly until: number } | undefined;
  };
}

export interface LogData {
  /** The newest first. */
  readonly lines: readonly LogLine[];
  /** The level that an operator has set, and when it ends (Unix time in milliseconds). */
  readonly lowered: { readonly level: LogLevel; readonly until: number } | undefined;
}

export type SetLevelResult = { readonly kind: 'set'; readonly level: LogLevel; readonly until: number };

const maxLines = 100;
const maxMinutes = 60;
const level = Type.Union(levels.map((name) => Type.Literal(name)));

export function createLogView({ logTail }: LogDeps): ConsoleView {
  return defineView({
    name: 'log',
    query: Type.Object({ level: Type.Optional(level) }, { additionalProperties: false }),
    everyMs: 1_000,
    read: async (query): Promise<LogData> => ({
      lines: logTail.read(query.level ?? 'debug', maxLines),
      lowered: logTail.lowered,
    }),
    actions: {
      level: defineAction({
        body: Type.Object(
          { level, minutes: Type.Integer({ minimum: 1, maximum: maxMinutes }) },
          { additionalProperties: false },
        ),
        run: async (body, { now }): Promise<SetLevelResult> => {
          logTail.lowerLevel(body.level, body.minutes * 60_000);
          return { kind: 'set', level: body.level, until: logTail.lowered?.until ?? now };
        },
      }),
    },
  });
}
