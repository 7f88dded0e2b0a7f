// One log line as what it says. Used by the files of this folder, for the places that do not take the JSON as it is.

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

/** Characters of a line, its end included; more are cut. */
export const maxLineLength = 16 * 1024;

const keptOfMessage = 1_000;

/** Reads a line that pino wrote. */
export function readLine(line: string): LogRecord {
  // Sound: pino wrote it, with these members.
  return JSON.parse(line) as LogRecord;
}

/** The line, or what matters of one that is too long, with a mark that says how long it was. */
export function bounded(line: string): string {
  if (line.length <= maxLineLength) return line;
  const { level, time, service, requestId, msg } = readLine(line);
  const cut = { level, time, service, requestId, msg: msg.slice(0, keptOfMessage), cutFrom: line.length };
  return `${JSON.stringify(cut)}\n`;
}
