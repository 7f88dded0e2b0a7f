// A log line as an object, for destinations other than JSON. Used by the files of this folder.

/** Fields besides these are the caller's. */
export interface LogRecord {
  /** pino's number. */
  readonly level: number;
  /** ISO 8601. */
  readonly time: string;
  readonly msg: string;
  readonly service?: string;
  readonly requestId?: string;
  readonly [field: string]: unknown;
}

/** Characters of a line, including the line break; longer ones are truncated. */
export const maxLineLength = 16 * 1024;

const keptMessageLength = 1_000;

/** Parses a line that pino wrote. */
export function parseLine(line: string): LogRecord {
  // Safe cast: pino wrote it, with these members.
  return JSON.parse(line) as LogRecord;
}

/** Reduces a line that is too long to its essential fields and its original length in `cutFrom`. */
export function truncateLine(line: string): string {
  if (line.length <= maxLineLength) return line;
  const { level, time, service, requestId, msg } = parseLine(line);
  const truncated = {
    level,
    time,
    service,
    requestId,
    msg: msg.slice(0, keptMessageLength),
    cutFrom: line.length,
  };
  return `${JSON.stringify(truncated)}\n`;
}
