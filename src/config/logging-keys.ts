// The keys of [logging]. Part of the table in schema.ts.

import { isHost } from './address-kinds.ts';
import { duration, integer, type Key, key, size, text } from './kinds.ts';

/** From the most talkative to none. */
const levels = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof levels)[number];

/** What log4j2, and so the replaced services, call them besides. */
const otherNames: Readonly<Record<string, Level>> = {
  all: 'debug',
  trace: 'debug',
  warning: 'warn',
  fatal: 'error',
};

/** A level or `none`, in any case; both words for none are read. */
function level<const N extends 'silent' | 'off'>(none: N, value: Level | N, doc: string): Key<Level | N> {
  const parse = (written: string): Level | N => {
    const word = written.toLowerCase();
    if (word === 'silent' || word === 'off') return none;
    const found = levels.find((candidate) => candidate === (otherNames[word] ?? word));
    if (found === undefined) throw new Error(`expected one of: ${[...levels, none].join(', ')}`);
    return found;
  };
  return key({ name: [...levels, none].join(' | '), parse, format: (v) => v }, value, doc);
}

/** `udp:host`, as the replaced services write it, or the host alone; the value is the host. */
function gelfHost(doc: string): Key<string> {
  const parse = (written: string): string => {
    const host = written.replace(/^udp:(?:\/\/)?/, '');
    if (host !== '' && !isHost(host)) throw new Error('expected udp: and a host name or IP address');
    return host;
  };
  const format = (host: string): string => (host === '' ? '' : `udp:${host}`);
  return key({ name: 'udp:host', parse, format }, '', doc);
}

export const loggingKeys = {
  level: level(
    'silent',
    'info',
    'Least severe log line that is written. LOG_LEVEL in the environment sets it too.',
  ),
  base_dir: text(
    '',
    'Folder of log files, one for each service; empty means none, and lines go to stderr only.',
  ),
  max_file_size: size('20 MB', ['64 KB', '1 GB'], 'A file of this size is archived, and a new one begun.'),
  max_count: integer(7, [1, 10_000], 'Archives that are kept of a file; the oldest are removed.'),
  accumulated_size: size(
    '100 MB',
    ['64 KB', '1000 GB'],
    'Size of a file and its archives together; the oldest archives are removed.',
  ),
  last_modified: duration('4d', ['1m', '3650d'], 'Archives that are older are removed.'),
  monitor_interval: duration(
    '600s',
    ['0s', '7d'],
    'The levels are read again from the configuration this often, and on SIGHUP; 0s: on SIGHUP only.',
  ),
  gelf_level: level(
    'off',
    'off',
    'Least severe log line that goes to Graylog. GELF_LEVEL in the environment sets it too.',
  ),
  gelf_host: gelfHost('Host that takes GELF over UDP. GELF_HOST in the environment sets it too.'),
  gelf_port: integer(12_201, [1, 65_535], 'Its port. GELF_PORT in the environment sets it too.'),
};
