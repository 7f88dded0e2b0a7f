// Brings the configuration together: defaults < conf.ini < application.conf < PORT and
// its like < SWOB_* < --set, checked against the table. Faults are told together.

import { existsSync } from 'node:fs';
import { SwobError } from '../errors.ts';
import { contradictions } from './contradictions.ts';
import { fromHocon } from './hocon-source.ts';
import { remarks } from './remarks.ts';
import type { Config } from './schema.ts';
import { assemble, assign, defaultSettings, type Setting } from './settings.ts';
import { type Environment, type Finding, fromEnvironment, fromIni, fromOverrides } from './sources.ts';

export type { Setting } from './settings.ts';

export interface LoadedConfig {
  readonly config: Config;
  readonly settings: readonly Setting[];
  /** Old keys that were renamed or ignored, and settings that are hardly meant; for `swob config check`. */
  readonly notes: readonly string[];
}

export interface ConfigSources {
  /** Files in the order in which later ones win; empty: the first of `defaultFiles` that exists. */
  readonly files?: readonly string[];
  /** An application.conf, as given to --hocon; goes before `[disconnect] hocon`. */
  readonly hocon?: string;
  /** `section.key=value`, as given to --set. */
  readonly overrides?: readonly string[];
  readonly env?: Environment;
}

const defaultFiles = ['confs/conf.ini', '/etc/swob/conf.ini'] as const;

/** More faults than these are only counted: a wrong file has one on every line. */
const maxFaults = 50;

/** Throws CONFIG with the faults in one message, by file and line. */
export function loadConfig(sources: ConfigSources = {}): LoadedConfig {
  const settings = defaultSettings();
  const faults: string[] = [];
  const notes: string[] = [];
  for (const finding of allFindings(sources, settings.keys())) {
    if ('note' in finding) notes.push(finding.note);
    else if ('fault' in finding) faults.push(finding.fault);
    else {
      const fault = assign(settings, finding);
      if (fault !== undefined) faults.push(fault);
    }
  }
  const config = assemble(settings.values());
  if (faults.length === 0) faults.push(...contradictions(config));
  if (faults.length > 0) throw new SwobError('CONFIG', faultMessage(faults));
  return { config, settings: [...settings.values()], notes: [...notes, ...remarks(config)] };
}

function faultMessage(faults: readonly string[]): string {
  const lines = [`the configuration has ${faults.length} fault(s):`, ...faults.slice(0, maxFaults)];
  if (faults.length > maxFaults) lines.push(`and ${faults.length - maxFaults} more`);
  return lines.join('\n  ');
}

/** What every source says, in the order in which later ones win. */
function allFindings(sources: ConfigSources, names: Iterable<string>): Finding[] {
  const env = sources.env ?? process.env;
  const files = (sources.files?.length ? sources.files : foundFiles()).flatMap(fromIni);
  const above = [...fromEnvironment(env, names), ...fromOverrides(sources.overrides ?? [])];
  if (sources.hocon !== undefined) {
    above.push({ name: 'disconnect.hocon', text: sources.hocon, origin: '--hocon' });
  }
  const hocon = lastText([...files, ...above], 'disconnect.hocon');
  return [...files, ...(hocon ? fromHocon(hocon, env) : []), ...above];
}

/** What the last finding about a key gives it. */
function lastText(findings: readonly Finding[], name: string): string | undefined {
  const found = findings.findLast((finding) => 'name' in finding && finding.name === name);
  return found && 'text' in found ? found.text : undefined;
}

function foundFiles(): string[] {
  const found = defaultFiles.find((file) => existsSync(file));
  return found === undefined ? [] : [found];
}
