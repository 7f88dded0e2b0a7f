// The keys of [logging]. Part of the table in schema.ts.

import { isHost } from './address-types.ts';
import { defineKey, duration, integer, type KeyDefinition, limit, size, text } from './value-types.ts';

/** From the most verbose to the least. */
const levels = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof levels)[number];

/** Other level names of log4j2, which the replaced services use. */
const otherNames: Readonly<Record<string, Level>> = {
  all: 'debug',
  trace: 'debug',
  warning: 'warn',
  fatal: 'error',
};

/** A level in upper or lower case, or `none`; accepts both `silent` and `off` for the latter. */
function level<const N extends 'silent' | 'off'>(
  none: N,
  value: Level | N,
  doc: string,
): KeyDefinition<Level | N> {
  const parse = (written: string): Level | N => {
    const word = written.toLowerCase();
    if (word === 'silent' || word === 'off') return none;
    const found = levels.find((candidate) => candidate === (otherNames[word] ?? word));
    if (found === undefined) throw new Error(`expected one of: ${[...levels, none].join(', ')}`);
    return found;
  };
  return defineKey({ name: [...levels, none].join(' | '), parse, format: (v) => v }, value, doc);
}

/** `udp:host` as in the replaced services, or the host alone; the value is the host. */
function gelfHost(doc: string): KeyDefinition<string> {
  const parse = (written: string): string => {
    const host = written.replace(/^udp:(?:\/\/)?/, '');
    if (host !== '' && !isHost(host))
      throw new Error('expected a host name or IP address, optionally with udp: in front');
    return host;
  };
  const format = (host: string): string => (host === '' ? '' : `udp:${host}`);
  return defineKey({ name: 'udp:host', parse, format }, '', doc);
}

export const loggingKeys = {
  level: level(
    'silent',
    'info',
    'Lowest severity that is logged. The environment variable LOG_LEVEL sets it too.',
  ),
  base_dir: text('', 'Folder of the log files, one per service; empty: log to stderr only.'),
  max_file_size: size(
    '20 MB',
    ['64 KB', '1 GB'],
    'Size at which a log file is archived and a new one started.',
  ),
  max_count: integer(7, [1, 10_000], 'Maximum archives of one log file; the oldest are deleted.'),
  accumulated_size: size(
    '100 MB',
    ['64 KB', '1000 GB'],
    'Maximum size of a log file and its archives together; the oldest archives are deleted.',
  ),
  last_modified: duration('4d', ['1m', '3650d'], 'Maximum age of archives; older ones are deleted.'),
  max_repeats: limit(
    '30/1m',
    'How often one text is logged at warn and error; further lines are counted, and their number is logged at the end of the window. It applies to each service, and not to the lines of requests that failed.',
  ),
  monitor_interval: duration(
    '600s',
    ['0s', '7d'],
    'How often the log levels are reloaded from the configuration, besides on SIGHUP; 0s: on SIGHUP only.',
  ),
  gelf_level: level(
    'off',
    'off',
    'Lowest severity that is sent to Graylog. The environment variable GELF_LEVEL sets it too.',
  ),
  gelf_host: gelfHost('Host that receives GELF over UDP. The environment variable GELF_HOST sets it too.'),
  gelf_port: integer(
    12_201,
    [1, 65_535],
    'UDP port of that host. The environment variable GELF_PORT sets it too.',
  ),
};
