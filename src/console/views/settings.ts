// The Settings view: version, and the effective configuration with the origin of each value. Used by views.ts.

import { Type } from 'typebox';
import { type ConsoleView, defineView } from '../view.ts';

export interface SettingsDeps {
  readonly version: string;
  /** As they are now: log levels may be reloaded. */
  readonly settings: () => readonly ShownSetting[];
}

/** A configuration key as `swob config show` shows it: secrets are `***`. */
export interface ShownSetting {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  readonly origin: string;
}

export interface SettingsData {
  readonly version: string;
  readonly settings: readonly ShownSetting[];
}

export function createSettingsView({ version, settings }: SettingsDeps): ConsoleView {
  return defineView({
    name: 'settings',
    query: Type.Object({}, { additionalProperties: false }),
    everyMs: 5_000,
    read: async (): Promise<SettingsData> => ({ version, settings: settings() }),
  });
}
