// Builds what normalises phone numbers from the configuration. Used by the gateway, doctor and commands.

import type { Config } from '../../config/schema.ts';
import { createMsisdnParser } from '../../domain/shared/identifiers.ts';
import type { Telecom } from '../../domain/shared/ports.ts';
import { createNormaliser, type NormaliserOptions } from '../../telecom/normaliser.ts';
import type { TelecomOptions } from '../../telecom/telecom.ts';

export function telecomOptions(config: Config): TelecomOptions {
  return { operatorsFile: config.seeds.operators_file, ...normaliserOptions(config) };
}

/** Cheaper to create than all of `Telecom`. */
export function createNumberNormaliser(config: Config): Telecom['normalise'] {
  return createNormaliser(normaliserOptions(config));
}

/** As the gateway does with this configuration, which accepts other identifiers in testing. */
export function createNumberParser(config: Config): Telecom['normalise'] {
  return createMsisdnParser(config.api.state, createNumberNormaliser(config));
}

function normaliserOptions({ numbers }: Config): NormaliserOptions {
  return { defaultRegion: numbers.default_region, check: numbers.check };
}
