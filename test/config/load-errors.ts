// The errors of an invalid configuration, and the origins of the values of a valid one.

import { expect } from 'vitest';
import { type ConfigSources, loadConfig, type StoreRules } from '../../src/config/load.ts';
import { SwobError } from '../../src/errors.ts';
import { configFile } from '../support/config-files.ts';

/** An empty file, because otherwise the confs/conf.ini of this checkout would be read. */
export const noSources = { files: ['/dev/null'], env: {} };

/** The error lines of an invalid configuration. */
export function loadErrors(sources: ConfigSources, rules?: StoreRules): string[] {
  try {
    loadConfig({ env: {}, ...sources }, rules);
  } catch (error) {
    if (!(error instanceof SwobError)) throw error;
    expect([error.code, error.exitCode]).toEqual(['CONFIG', 78]);
    const [head, ...errors] = error.message.split('\n  ');
    expect(head).toBe(
      `the configuration has ${errors.length === 1 ? '1 error' : `${errors.length} errors`}:`,
    );
    return errors;
  }
  throw new Error('the configuration was accepted');
}

/** The same for the text of one file, whose path is replaced with `FILE`. */
export function loadErrorsOfText(text: string): string[] {
  const file = configFile(text);
  return loadErrors({ files: [file] }).map((message) => message.replaceAll(file, 'FILE'));
}

export function origin(sources: ConfigSources, name: string): string | undefined {
  const { settings } = loadConfig({ env: {}, ...sources });
  return settings.find(({ section, key }) => `${section}.${key}` === name)?.origin;
}
