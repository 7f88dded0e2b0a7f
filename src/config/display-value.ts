// The value of a configuration key as people may see it: without secrets. Used by `swob config show` and the console.

import type { Setting } from './settings.ts';

/** A key with its value as people may see it. */
export interface DisplayedSetting {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  readonly origin: string;
}

export function displaySetting(setting: Setting): DisplayedSetting {
  const { section, key, origin } = setting;
  return { section, key, value: displayValue(setting), origin };
}

/** The value as text; secrets are `***`, and so are user, password and query of a URL. */
export function displayValue({ definition, value }: Setting): string {
  const text = definition.type.format(value);
  if (definition.secret && text !== '') return '***';
  return definition.type.redact?.(text) ?? text;
}
