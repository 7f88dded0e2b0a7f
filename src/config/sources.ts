// Where settings come from, each source as a list of findings in its own order: files, environment, --set.
// Used by load.ts; hocon-source.ts is one more.

import { readFileSync } from 'node:fs';
import { messageOf, SwobError } from '../errors.ts';
import { parseIni } from './ini-file.ts';
import { legacyKey } from './legacy.ts';
import type { Assignment } from './settings.ts';

/** What a source says: a value for a key, something that is wrong, or something worth telling. */
export type Finding = Assignment | { readonly fault: string } | { readonly note: string };

/** A finding and the line of its file. */
export interface Located {
  readonly line: number;
  readonly finding: Finding;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Environment variables that begin with SWOB_ and are no configuration keys: secrets for commands. */
const otherVariables = new Set(['SWOB_PASSWORD', 'SWOB_TOKEN', 'SWOB_AUTH_KEY']);

/** A conf.ini. Throws CONFIG when it cannot be read. */
export function fromIni(file: string): Finding[] {
  const { entries, faults } = parseIni(readConfigFile(file));
  const found: Located[] = faults.map(({ line, message }) => ({
    line,
    finding: { fault: `${file}:${line}: ${message}` },
  }));
  const seen = new Map<string, number>();
  for (const { section, key, value, line } of entries) {
    const add = (finding: Finding): void => void found.push({ line, finding });
    const origin = `${file}:${line}`;
    const old = legacyKey(section, key);
    if (old) add({ note: `${origin}: [${section}] ${key}: ${old.note}` });
    if (old && (old.to === undefined || value === '')) continue;
    const name = old?.to ?? `${section}.${key}`;
    const first = seen.get(name);
    if (first !== undefined) add({ fault: `${origin}: ${name} stands on line ${first} already` });
    seen.set(name, line);
    add({ name, text: old?.convert?.(value) ?? value, origin });
  }
  return inFileOrder(found);
}

/** The findings about one file by their lines. */
export function inFileOrder(found: readonly Located[]): Finding[] {
  return [...found].sort((a, b) => a.line - b.line).map(({ finding }) => finding);
}

/** Variables of the replaced disconnect service, and what they set. */
const oldVariables = {
  PORT: 'disconnect.port',
  LOG_LEVEL: 'logging.level',
  GELF_LEVEL: 'logging.gelf_level',
  GELF_HOST: 'logging.gelf_host',
  GELF_PORT: 'logging.gelf_port',
} as const;

/** SWOB_* for every key; before them those of the replaced disconnect service. */
export function fromEnvironment(env: Environment, names: Iterable<string>): Finding[] {
  const findings: Finding[] = [];
  for (const [variable, name] of Object.entries(oldVariables)) {
    const text = env[variable];
    if (text) findings.push({ name, text, origin: `environment ${variable}` });
  }
  const nameOf = new Map([...names].map((name) => [variableOf(name), name]));
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith('SWOB_') || otherVariables.has(variable) || text === undefined) continue;
    const name = nameOf.get(variable);
    const origin = `environment ${variable}`;
    findings.push(name === undefined ? { fault: `${origin}: no such key` } : { name, text, origin });
  }
  return findings;
}

/** `section.key=value`, as given to --set. */
export function fromOverrides(overrides: readonly string[]): Finding[] {
  return overrides.map((override) => {
    const equals = override.indexOf('=');
    if (equals < 1) return { fault: '--set: expected section.key=value, such as api.port=7000' };
    const text = override.slice(equals + 1).trim();
    return { name: override.slice(0, equals).trim(), text, origin: '--set' };
  });
}

/** The text of a file. Throws CONFIG when it cannot be read. */
export function readConfigFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new SwobError('CONFIG', `cannot read the configuration file ${file}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** `api.port` is SWOB_API_PORT, `pcrf.pool.max` is SWOB_PCRF_POOL_MAX. */
function variableOf(name: string): string {
  return `SWOB_${name.replaceAll('.', '_').toUpperCase()}`;
}
