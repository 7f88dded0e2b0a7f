// Builds the pairing page from the configuration, as a plugin of the gateway.

import type { FastifyPluginAsync } from 'fastify';
import type { Config } from '../../config/schema.ts';
import { createPairingPage } from '../../console/pairing-page.ts';
import type { Pairing } from '../../domain/pairing/pairing.ts';
import type { ServiceUrls } from '../../domain/shared/urls.ts';
import { pages } from './console.ts';

export function buildPairingPage(
  config: Config,
  parts: { readonly pairing: Pairing; readonly addresses: ServiceUrls },
): FastifyPluginAsync[] {
  if (!config.console.pairing) return [];
  const { session_sleep_timeout: codeMs, session_paused_timeout: pausedMs } = config.sync;
  return [createPairingPage({ ...parts, pages, state: config.api.state, codeMs, pausedMs })];
}
