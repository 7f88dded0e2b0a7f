// Builds the disconnect service from the configuration. Imported only when it runs.

import { readFile } from 'node:fs/promises';
import type { Config } from '../../config/schema.ts';
import { createTokenVerifier } from '../../crypto/jwt.ts';
import { readTokenSecret } from '../../crypto/verification-key.ts';
import { createDisconnectServer } from '../../disconnect/server.ts';
import { createDisconnects } from '../../domain/disconnects.ts';
import type { Store } from '../../domain/ports.ts';
import { messageOf, SwobError } from '../../errors.ts';
import { createNetworks } from '../../http/networks.ts';
import type { HttpServer } from '../../http/server.ts';
import { createPcrf } from '../../upstream/pcrf.ts';
import { watchCertificate } from '../tls.ts';
import { watchVerificationKey } from '../watched-verifier.ts';
import { createOperations, disconnectChecks } from './health.ts';
import type { Workshop, World } from './world.ts';

export async function buildDisconnect(config: Config, world: Workshop, store: Store): Promise<HttpServer> {
  const { limits, flights } = store;
  const { clock, log, lifecycle, instruments } = world;
  const { disconnect, pcrf, 'pcrf.pool': pool } = config;
  const verifier = await buildVerifier(config, world);
  const allow = disconnect.nas_allow;
  const rules = allow.length > 0 ? { nasAllowed: createNetworks(allow, '[disconnect] nas_allow') } : {};
  const tls = await watchCertificate('disconnect_ssl', config.disconnect_ssl, world);

  const client = createPcrf({
    host: pcrf.host,
    port: pcrf.port,
    timeoutMs: pcrf.timeout,
    pool: { min: pool.min, max: pool.max, waitTimeoutMs: pool.wait_timeout },
    clock,
    log,
  });
  lifecycle.defer('PCRF connections', () => client.close());
  instruments.pool('pcrf', client.usage);
  const disconnects = createDisconnects({
    verifier,
    pcrf: client,
    rules,
    limits,
    callLimit: config.limits.disconnects,
    flights,
    clock,
    log,
  });
  return createDisconnectServer({
    host: disconnect.host,
    port: disconnect.port,
    pressure: world.pressure,
    tls,
    trustedProxies: config.api.trusted_proxies,
    requestTimeoutMs: config.api.request_timeout,
    // The wait for a connection, and the call.
    handlerTimeoutMs: pool.wait_timeout + pcrf.timeout + 5_000,
    legacyStatus: disconnect.legacy_status,
    disconnects: instruments.disconnects(disconnects),
    operations: createOperations(config, world, 'disconnect', disconnectChecks(config, store)),
    clock,
    log,
  });
}

async function buildVerifier({ validation }: Config, world: World) {
  const { algorithms, issuer, audience, leeway, max_lifetime, public_key, secret_file } = validation;
  const secret =
    secret_file === '' ? undefined : readTokenSecret(await readSecretFile(secret_file), secret_file);
  const rules = {
    secret,
    algorithms,
    issuer,
    audience,
    leewayMs: leeway,
    maxLifetimeMs: max_lifetime,
    clock: world.clock,
  };
  if (algorithms.every((algorithm) => algorithm === 'HS256'))
    return createTokenVerifier({ ...rules, key: undefined });
  const verifier = await watchVerificationKey(
    public_key,
    (key) => createTokenVerifier({ ...rules, key }),
    world,
  );
  world.lifecycle.defer('verification key', () => verifier.stop());
  return verifier;
}

async function readSecretFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new SwobError('CONFIG', `[validation] secret_file: cannot read ${file}: ${messageOf(error)}`);
  }
}
