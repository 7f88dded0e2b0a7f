// What `swob doctor` looks at: the checks of app/doctor with the adapters that they need.

import type { Config } from '../../config/schema.ts';
import { parseStoreUrl } from '../../config/store-url.ts';
import { upstreamUrl } from '../../domain/addresses.ts';
import type { Clock } from '../../domain/ports.ts';
import { messageOf } from '../../errors.ts';
import { diskSpaceOf } from '../../store/disk-space.ts';
import { dateAt } from '../../upstream/http-date.ts';
import { connectOnce, type Endpoint, endpointOf } from '../../upstream/reachable.ts';
import { checkCertificates } from '../doctor/certificates.ts';
import { type Finding, fail, ok } from '../doctor/finding.ts';
import { checkKeys } from '../doctor/keys.ts';
import { checkPort } from '../doctor/ports.ts';
import { checkFolder, checkStore } from '../doctor/store.ts';
import { checkAgainst, checkDescriptors, checkMemory, checkNode, watchClock } from '../doctor/system.ts';
import { checkUpstream, type Upstream } from '../doctor/upstreams.ts';
import { examineRedis } from './doctor-redis.ts';
import { viewStore } from './store-holder.ts';
import type { ServiceName } from './world.ts';

/** For each connection, date and login; all at once. */
const boundMs = 3_000;

export interface DoctorDeps {
  readonly config: Config;
  readonly services: readonly ServiceName[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Which swob answers at the port of that service; undefined when none does. */
  readonly whoAnswers: (service: ServiceName) => Promise<string | undefined>;
}

/** Every finding, in the order in which they are best read. Never rejects but with the signal's reason. */
export async function examine(deps: DoctorDeps): Promise<Finding[]> {
  const { config, services, clock, signal } = deps;
  const { base_dir } = config.logging;
  const clockAtEnd = watchClock(clock);
  const upstreams = upstreamsOf(config).filter(({ service }) => services.includes(service));
  const listeners = {
    gateway: config.api,
    sync: config.websocket,
    disconnect: config.disconnect,
  };
  const bounded = (): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(boundMs)]);
  const [keys, certificates, ports, descriptors, store, logs, reached, broker, others] = await Promise.all([
    checkKeys(config, services),
    checkCertificates(config, services, clock.now()),
    Promise.all(
      services.map((service) =>
        checkPort({ service, ...listeners[service] }, () => deps.whoAnswers(service)),
      ),
    ),
    checkDescriptors(config),
    services.includes('gateway') ? examineStore(config, clock) : [],
    base_dir === '' ? undefined : checkFolder('log folder', base_dir, '[logging] base_dir', false),
    Promise.all(
      upstreams.map((upstream) => checkUpstream(upstream, () => timeToConnect(upstream, clock, bounded()))),
    ),
    services.includes('gateway') ? examineBroker(config) : [],
    compareClocks(upstreams, clock, bounded()),
  ]);
  signal.throwIfAborted();
  const system = [checkNode(process.version), checkMemory(), descriptors, clockAtEnd(), others];
  return [
    ...system.filter((finding) => finding !== undefined),
    ...keys,
    ...certificates,
    ...ports,
    ...store,
    ...(logs ? [logs] : []),
    ...reached,
    ...broker,
  ];
}

async function timeToConnect(endpoint: Endpoint, clock: Clock, signal: AbortSignal): Promise<number> {
  const since = clock.monotonic();
  await connectOnce(endpoint, signal);
  return clock.monotonic() - since;
}

async function examineStore(config: Config, clock: Clock): Promise<Finding[]> {
  const url = parseStoreUrl(config.store.url);
  if (url.kind === 'redis') return examineRedis(config, url, clock);
  try {
    const { folder, holder } = await viewStore(config, clock);
    if (folder === undefined) return [ok('store', 'in memory: all is lost at exit')];
    const space = await diskSpaceOf(folder).catch(() => undefined);
    return await checkStore({ folder, holder, space });
  } catch (error) {
    return [fail('store folder', messageOf(error), 'run this as the user of the service')];
  }
}

/** amqplib is imported only where there is a broker. */
async function examineBroker({ broker }: Config): Promise<Finding[]> {
  if (broker.url === '') return [];
  const attempt = async (check: string, work: () => Promise<unknown>, key: string): Promise<Finding> => {
    try {
      await work();
      return ok(check, 'takes our user and password');
    } catch (error) {
      return fail(
        check,
        messageOf(error),
        `start the broker if it is not there, or mend the user or password in ${key}`,
      );
    }
  };
  const { tryLogin } = await import('../../upstream/rabbitmq-login.ts');
  const findings = [attempt('broker login', () => tryLogin(broker.url, boundMs), '[broker] url')];
  if (broker.management_url !== '') {
    const { createManagement } = await import('../../upstream/rabbitmq-management.ts');
    const { management_url: managementUrl, management_user: user, management_password: password } = broker;
    const management = createManagement({ managementUrl, user, password, timeoutMs: boundMs });
    const key = '[broker] management_user or management_password';
    findings.push(attempt('broker management', () => management.get('whoami'), key));
  }
  return Promise.all(findings);
}

async function compareClocks(
  upstreams: readonly (Upstream & { readonly origin: string | undefined })[],
  clock: Clock,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  const differences = new Map<string, number>();
  await Promise.all(
    upstreams.map(async ({ name, origin }) => {
      const date = origin === undefined ? undefined : await dateAt(origin, signal);
      if (date !== undefined) differences.set(name, date - clock.now());
    }),
  );
  return checkAgainst(differences);
}

/** Host and port of every system around, and nothing else of its URL: that may hold a password. */
function upstreamsOf(config: Config): (Upstream & { readonly origin: string | undefined })[] {
  const { user_management_api: users, dev_api, backend_publisher, publisher, broker, pcrf } = config;
  const http = (url: string) => {
    const { protocol, host } = new URL(url);
    return { ...endpointOf(url), origin: `${protocol}//${host}` };
  };
  const gateway = { service: 'gateway' as const };
  return [
    {
      ...gateway,
      ...http(users.verification_url),
      name: 'user management API',
      key: '[user_management_api]',
      without: 'no phone can pair',
    },
    {
      ...gateway,
      ...http(dev_api.authentication_url),
      name: 'developer API',
      key: '[dev_api]',
      without: 'no developer can send SMS',
    },
    {
      ...gateway,
      ...http(upstreamUrl(backend_publisher)),
      name: 'back end',
      key: '[backend_publisher]',
      without: 'inbound SMS wait',
    },
    {
      ...gateway,
      ...http(upstreamUrl(publisher)),
      name: 'Publisher',
      key: '[publisher]',
      without: 'inbound SMS wait',
    },
    ...(broker.url === ''
      ? []
      : [
          {
            ...gateway,
            ...endpointOf(broker.url),
            origin: undefined,
            name: 'broker',
            key: '[broker] url',
            without: 'no SMS goes out',
          },
        ]),
    {
      service: 'disconnect',
      host: pcrf.host,
      port: pcrf.port,
      origin: `http://${pcrf.host.includes(':') ? `[${pcrf.host}]` : pcrf.host}:${pcrf.port}`,
      name: 'PCRF',
      key: '[pcrf]',
      without: 'nobody can be logged out',
    },
  ];
}
