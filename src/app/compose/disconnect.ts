// Builds the disconnect service from the configuration. Imported only when it runs.

import { readFile } from 'node:fs/promises';
import { pcrfServers } from '../../config/pcrf-keys.ts';
import type { Config } from '../../config/schema.ts';
import { loadAdminToken } from '../../crypto/admin-token.ts';
import { createTokenVerifier } from '../../crypto/jwt.ts';
import { newSessionId } from '../../crypto/random.ts';
import { readTokenSecret } from '../../crypto/token-keys.ts';
import { createDisconnectServer } from '../../disconnect/server.ts';
import type { Log } from '../../domain/shared/ports.ts';
import type { Store } from '../../domain/store.ts';
import { type AuditedDisconnects, auditDisconnects } from '../../domain/wifi/audit.ts';
import type { DisconnectAuditStore } from '../../domain/wifi/audit-model.ts';
import { createDisconnects } from '../../domain/wifi/disconnects.ts';
import type { Pcrf } from '../../domain/wifi/ports.ts';
import { maxPrepareMs } from '../../domain/wifi/verification.ts';
import { describeReadError, messageOf, SwobError } from '../../errors.ts';
import { createIpMatcher } from '../../http/ip-matcher.ts';
import type { HttpServer } from '../../http/server.ts';
import { decodeUtf8 } from '../../lib/utf8.ts';
import { createPcrf } from '../../upstream/pcrf.ts';
import { watchCertificate } from '../tls.ts';
import { watchVerificationKey } from '../verification-key-watcher.ts';
import type { AppContext, Runtime } from './context.ts';
import { createMonitoring, disconnectChecks } from './health.ts';
import { buildNasTable, buildRadius } from './radius.ts';
import { buildVerification } from './verification.ts';

/** For calls that are still running when their clients have disconnected. */
const pcrfDrainMs = 2_000;
/** Of the stop's budget, after requests have taken all other time. */
const pcrfReserveMs = 250;

export interface DisconnectService {
  readonly server: HttpServer;
  /** What its routes call. */
  readonly disconnects: AuditedDisconnects;
}

/** @param audit the store of the audit trail, which may be another one */
export async function buildDisconnect(
  config: Config,
  runtime: Runtime,
  store: Store,
  audit: DisconnectAuditStore,
): Promise<DisconnectService> {
  const { clock, log, metrics } = runtime;
  const { disconnect, pcrf, 'pcrf.pool': pool } = config;
  const verifier = await buildVerifier(config, runtime);
  const nas = await buildNasTable(config, runtime);
  const radius = buildRadius(config, runtime, nas);
  const allow = disconnect.nas_allow;
  const rules = {
    emptyVrf: disconnect.empty_vrf,
    ...(radius && { nasKnown: radius.isKnown }),
    ...(allow.length > 0 && { nasAllowed: createIpMatcher(allow, '[disconnect] nas_allow') }),
  };
  const tls = await watchCertificate('disconnect_ssl', config.disconnect_ssl, runtime);

  const ownPcrf = disconnect.backend === 'radius' ? undefined : buildPcrf(config, runtime);
  const backends = [...(ownPcrf ? [ownPcrf] : []), ...(radius ? [radius.backend] : [])];
  const disconnects = createDisconnects({
    verifier,
    backends: metrics.backends(backends),
    alreadyGone: disconnect.already_gone,
    verification: await buildVerification(config, runtime, { pcrf: ownPcrf, nas }),
    rules,
    limits: store.limits,
    callLimit: config.limits.disconnects,
    leases: store.shared?.leases,
    clock,
    log,
  });
  const audited = auditDisconnects(metrics.disconnects(disconnects), {
    store: audit,
    clock,
    log,
    newSuffix: () => newSessionId().slice(0, 8),
    count: metrics.auditedDisconnects(),
  });
  const server = await createDisconnectServer({
    host: disconnect.host,
    port: disconnect.port,
    overloadGuard: runtime.overloadGuard,
    bodyBudget: runtime.bodyBudget,
    connectionLimiter: runtime.connectionLimiter,
    tls,
    trustedProxies: config.api.trusted_proxies,
    requestTimeoutMs: config.api.request_timeout,
    // For each backend the wait for a connection and the call itself; then the verification, with its query before the call.
    handlerTimeoutMs:
      (disconnect.backend === 'radius' ? 0 : pool.wait_timeout + pcrf.timeout) +
      (radius?.maxMs ?? 0) +
      (disconnect.verify === 'off' ? 0 : maxPrepareMs + disconnect.verify_within) +
      5_000,
    legacyStatus: disconnect.legacy_status,
    limits: store.limits,
    callLimit: config.limits.disconnects,
    disconnects: audited,
    audit,
    adminToken: await adminTokenOf(config, log),
    monitoring: createMonitoring(config, runtime, 'disconnect', disconnectChecks(config, store)),
    clock,
    log,
  });
  return { server, disconnects: audited };
}

function buildPcrf({ pcrf, 'pcrf.pool': pool }: Config, runtime: Runtime): Pcrf {
  const { clock, log, lifecycle, metrics } = runtime;
  const client = createPcrf({
    servers: pcrfServers(pcrf),
    retriesUnsafe: pcrf.retry_unsafe,
    pauseMs: pcrf.host_pause,
    sessionPath: pcrf.session_path,
    timeoutMs: pcrf.timeout,
    pool: { min: pool.min, max: pool.max, waitTimeoutMs: pool.wait_timeout },
    clock,
    log,
  });
  lifecycle.defer(
    'PCRF connections',
    (deadline) => client.close(deadline.atMost(pcrfDrainMs)),
    pcrfReserveMs,
  );
  metrics.pool('pcrf', client.usage);
  metrics.pcrfHosts(client.states);
  return metrics.pcrf(client, clock);
}

async function buildVerifier({ validation }: Config, context: AppContext) {
  const { algorithms, issuer, audience, leeway, max_lifetime, public_key, secret_file } = validation;
  const secret =
    secret_file === '' ? undefined : readTokenSecret(await readSecretFile(secret_file), secret_file);
  const rules = {
    secret,
    algorithms,
    issuer,
    audience,
    leewayMs: leeway,
    leewaySetting: '[validation] leeway',
    maxLifetimeMs: max_lifetime,
    clock: context.clock,
  };
  if (algorithms.every((algorithm) => algorithm === 'HS256'))
    return createTokenVerifier({ ...rules, key: undefined });
  const verifier = await watchVerificationKey(
    public_key,
    (key) => createTokenVerifier({ ...rules, key }),
    context,
  );
  context.lifecycle.defer('verification key', () => verifier.stop());
  return verifier;
}

/** Undefined, with a warning, where there is none and none can be created: then nobody can read the audit trail. */
async function adminTokenOf({ security }: Config, log: Log): Promise<string | undefined> {
  try {
    return await loadAdminToken(security.admin_token_filepath);
  } catch (error) {
    log.warn(
      { reason: messageOf(error) },
      'there is no admin token, so that nobody can read the audit trail',
    );
    return undefined;
  }
}

async function readSecretFile(file: string): Promise<string> {
  try {
    return decodeUtf8(await readFile(file));
  } catch (error) {
    throw new SwobError(
      'CONFIG',
      `[validation] secret_file: cannot read ${file}: ${describeReadError(error)}`,
    );
  }
}
