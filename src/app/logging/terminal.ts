// Log lines for people: short, coloured, and harmless on a terminal whatever is in them.

import { Chalk, type ChalkInstance } from 'chalk';
import { printable } from '../../printable.ts';
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
      ...Object.entries(fields).map(([key, value]) => `${chalk.dim(`${printable(key)}=`)}${shown(value)}`),
    ];
    return `${parts.join(' ')}\n`;
  };
}

/** Texts as they are unless they hold what separates fields; everything else as JSON. */
function shown(value: unknown): string {
  const plain = typeof value === 'string' && /^[^\s"=]+$/.test(value);
  return printable(plain ? value : JSON.stringify(value));
}
