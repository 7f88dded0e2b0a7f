// Translates the file of environment variables of the replaced disconnect service, /etc/default/eltex-disconnect-service.
// Used by import.ts.

import { parseEnv } from 'node:util';
import type { RawSetting } from '../settings.ts';
import { type Environment, legacyItems } from '../sources.ts';
import type { Untranslated } from './import.ts';

const reasons: ReadonlyMap<string, string> = new Map([
  ['JAVA_INIT_HEAP', 'memory of Java; it has no counterpart'],
  [
    'JAVA_MAX_HEAP',
    'memory of Java; its counterpart is --max-old-space-size in NODE_OPTIONS, in /etc/default/swob',
  ],
  [
    'JAVA_OPTS',
    'options of Java; NODE_OPTIONS in /etc/default/swob has those of Node, with reports and heap snapshots',
  ],
  ['TZ', 'not a configuration key; set TZ in /etc/default/swob'],
]);

export interface Variables {
  readonly env: Environment;
  readonly settings: readonly RawSetting[];
  readonly untranslated: readonly Untranslated[];
}

export function translateVariables(file: string, text: string): Variables {
  const env: Environment = parseEnv(text);
  const originOf = (name: string): string => {
    const at = new RegExp(`^[^\\S\\n]*(?:export\\s+)?${name}\\s*=`, 'm').exec(text)?.index;
    return at === undefined ? file : `${file}:${text.slice(0, at).split('\n').length}`;
  };
  const settings = legacyItems(env, originOf);
  const known = new Set(settings.map(({ origin }) => origin));
  const untranslated = Object.keys(env)
    .filter((name) => /^\w+$/.test(name) && !known.has(originOf(name)))
    .map((name) => ({
      origin: originOf(name),
      what: name,
      reason: reasons.get(name) ?? 'not a variable of swob',
    }));
  return { env, settings, untranslated };
}
