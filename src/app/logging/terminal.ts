// Readable log lines for a terminal, with control characters escaped.

import { Chalk, type ChalkInstance } from 'chalk';
import { printable } from '../../lib/printable.ts';
import { nameOf } from './levels.ts';
import type { LogRecord } from './record.ts';

/** `14:03:22.123 INFO  gateway listening url=http://127.0.0.1:6969` */
export function terminalFormat(colours: boolean): (record: LogRecord) => string {
  const chalk = new Chalk({ level: colours ? 1 : 0 });
  const levels: Record<ReturnType<typeof nameOf>, ChalkInstance> = {
    debug: chalk.dim,
    info: chalk.green,
    warn: chalk.yellow,
    error: chalk.red,
  };
  return ({ level, time, service = '', msg, ...fields }) => {
    const name = nameOf(level);
    const parts = [
      chalk.dim(time.slice(11, 23)),
      levels[name](name.toUpperCase().padEnd(5)),
      ...(service === '' ? [] : [chalk.cyan(printable(service))]),
      printable(msg),
      ...Object.entries(fields).map(
        ([key, value]) => `${chalk.dim(`${printable(key)}=`)}${formatValue(value)}`,
      ),
    ];
    return `${parts.join(' ')}\n`;
  };
}

/** Strings without separators as they are; everything else as JSON. */
function formatValue(value: unknown): string {
  const plain = typeof value === 'string' && /^[^\s"=]+$/.test(value);
  return printable(plain ? value : JSON.stringify(value));
}
