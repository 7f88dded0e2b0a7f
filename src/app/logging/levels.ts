// Log levels: their names, pino's and syslog's numbers. Used by the files of this folder.

import type { Config } from '../../config/schema.ts';

/** The minimum level of each destination; can change while swob runs. */
export interface Levels {
  /** To stderr and the files. */
  readonly level: Config['logging']['level'];
  /** To Graylog. */
  readonly gelfLevel: Config['logging']['gelf_level'];
}

type Name = Exclude<Levels['level'], 'silent'>;

const severities: Readonly<Record<Name, { readonly number: number; readonly syslog: number }>> = {
  debug: { number: 20, syslog: 7 },
  info: { number: 30, syslog: 6 },
  warn: { number: 40, syslog: 4 },
  error: { number: 50, syslog: 3 },
};

/** pino's number of the minimum level; infinite for `silent` and `off`. */
export function threshold(level: Name | 'silent' | 'off'): number {
  return level === 'silent' || level === 'off' ? Number.POSITIVE_INFINITY : severities[level].number;
}

/** The lower of the two: lines below it are not formatted at all. */
export function lowest({ level, gelfLevel }: Levels): Levels['level'] {
  if (gelfLevel === 'off') return level;
  return threshold(gelfLevel) < threshold(level) ? gelfLevel : level;
}

/** The name of pino's number. */
export function nameOf(number: number): Name {
  const names: readonly Name[] = ['error', 'warn', 'info', 'debug'];
  return names.find((name) => severities[name].number <= number) ?? 'debug';
}

/** 0 (emergency) to 7 (debug), as syslog and GELF count. */
export function syslogLevel(number: number): number {
  return severities[nameOf(number)].syslog;
}
