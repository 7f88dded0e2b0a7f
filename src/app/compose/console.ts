// Builds the console from the configuration, as a plugin of the gateway.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyPluginAsync } from 'fastify';
import type { DisplayedSetting } from '../../config/display-value.ts';
import type { Config } from '../../config/schema.ts';
import { createSessionCheck } from '../../console/authentication.ts';
import { createLiveHub, type LiveHub } from '../../console/live-hub.ts';
import { createConsole } from '../../console/server.ts';
import type { NodesDeps } from '../../console/view.ts';
import { type ChecksDeps, createChecksView } from '../../console/views/checks.ts';
import { createDisconnectsView, type DisconnectsDeps } from '../../console/views/disconnects.ts';
import { createLogView, type LogDeps } from '../../console/views/log.ts';
import { createViews, type ViewDeps } from '../../console/views.ts';
import { createConsoleSessions } from '../../crypto/console-session.ts';
import type { Store } from '../../domain/store.ts';
import { createLogTail } from '../logging/log-tail.ts';
import type { Runtime } from './context.ts';

/** What the console shows of the gateway, besides what it finds in the runtime. */
export interface ConsoleParts
  extends Omit<ViewDeps, 'version' | 'settings' | 'clock' | 'runChecks' | 'logTail' | 'wifi'> {
  readonly wifi: Pick<ViewDeps['wifi'], 'trail' | 'disconnects'>;
  readonly store: Store;
  readonly adminToken: string;
}

/** Defined by the build, at the head of each of its files. */
declare const swobAssets: string | undefined;

/** The folder of the built pages; when running from source, that of the last build. */
export const pages =
  typeof swobAssets === 'undefined'
    ? fileURLToPath(new URL('../../../dist/web', import.meta.url))
    : join(swobAssets, '../web');

export function buildConsole(config: Config, runtime: Runtime, parts: ConsoleParts): FastifyPluginAsync[] {
  if (!config.console.enabled) return [];
  const { clock, log, version } = runtime;
  const { store, adminToken, wifi, ...rest } = parts;
  const sessions = createSessionCheck(createConsoleSessions(adminToken), store.signOuts, log);
  const hub: LiveHub = createLiveHub({
    maxClients: config.console.max_clients,
    clock,
    log,
    isSignedOut: sessions.isSignedOut,
    onSlow: () => count.refused('slow'),
  });
  const count = runtime.metrics.console(() => hub.size);
  return [
    createConsole({
      pages,
      views: createViews({
        ...rest,
        ...processParts(config, runtime),
        wifi: wifiParts(config, runtime, wifi, store.shared !== undefined),
        version,
        settings: () => currentSettings(runtime),
      }),
      sessions,
      hub,
      limits: store.limits,
      signInLimit: config.limits.passwords,
      sessionMs: config.console.session,
      // The public URL is https also where a proxy terminates TLS.
      secure: config.api_ssl.crt !== '' || config.api.public_url.startsWith('https:'),
      clock,
      log,
      onSignIn: count.signIn,
      onRefused: count.refused,
    }),
  ];
}

/** What every process has, also one without a console. */
function processParts(config: Config, runtime: Runtime): Omit<ChecksDeps & LogDeps, 'nodes'> {
  const { clock, version, services } = runtime;
  return {
    clock,
    runChecks: async (signal) => {
      const checks = await import('./doctor.ts');
      const identifySwob = async () => `in use by this swob ${version}`;
      return checks.runChecks({ config, services, clock, signal, identifySwob });
    },
    // A process without the logs of `swob serve` shows no lines.
    logTail: runtime.logTail ?? createLogTail(clock, () => {}),
  };
}

/** Lets the consoles of other nodes show the log, the checks and the disconnects of a process that has no console. */
export function shareWithConsoles(
  config: Config,
  runtime: Runtime,
  nodes: NodesDeps['nodes'],
  wifi: ConsoleParts['wifi'],
): void {
  const parts = { ...processParts(config, runtime), nodes };
  createChecksView(parts);
  createLogView(parts);
  createDisconnectsView({ wifi: wifiParts(config, runtime, wifi, true), nodes });
}

function wifiParts(
  config: Config,
  { clock }: Runtime,
  wifi: ConsoleParts['wifi'],
  isShared: boolean,
): DisconnectsDeps['wifi'] {
  return {
    ...wifi,
    isShared,
    backend: config.disconnect.backend,
    explain: async (token) =>
      (await import('../explain-disconnect.ts')).explainDisconnect(config, token, clock),
  };
}

/** The configuration at the start, with the log levels as they are now. */
function currentSettings({ settings = [], logLevels }: Runtime): readonly DisplayedSetting[] {
  const { level, gelfLevel } = logLevels?.() ?? {};
  const current = new Map([
    ['level', level],
    ['gelf_level', gelfLevel],
  ]);
  return settings.map((setting) => {
    const value = setting.section === 'logging' ? current.get(setting.key) : undefined;
    return value === undefined || value === setting.value
      ? setting
      : { ...setting, value, origin: 'reloaded since the start' };
  });
}
