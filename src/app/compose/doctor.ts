// Runs the checks of `swob doctor` with the adapters that they need.

import { setMaxListeners } from 'node:events';
import { pcrfServers } from '../../config/pcrf-keys.ts';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import { upstreamUrl } from '../../domain/shared/urls.ts';
import { messageOf } from '../../errors.ts';
import { type Finding, fail, ok } from '../../lib/finding.ts';
import { bracketHost } from '../../lib/net.ts';
import { numberData } from '../../telecom/data-versions.ts';
import { fetchServerDate } from '../../upstream/server-date.ts';
import { type Endpoint, endpointOf, probeTcp } from '../../upstream/tcp-probe.ts';
import { probeTls } from '../../upstream/tls-probe.ts';
import { checkCertificates } from '../doctor/certificates.ts';
import { checkKeys } from '../doctor/keys.ts';
import { checkNumberData } from '../doctor/number-data.ts';
import { checkPhoneAccess } from '../doctor/phones.ts';
import { checkAccountingPort, checkPort } from '../doctor/ports.ts';
import { checkFolder } from '../doctor/store.ts';
import {
  checkConnectionLimit,
  checkMemory,
  checkNode,
  compareWithUpstreamClocks,
  startClockCheck,
} from '../doctor/system.ts';
import { checkUpstream, type Upstream } from '../doctor/upstreams.ts';
import type { ServiceName } from './context.ts';
import { checkFilesAndHostnames } from './doctor-hostnames.ts';
import { checkAuditTrail, checkStore } from './doctor-stores.ts';
import { isRelayOnly, relayUrl } from './relay.ts';

/** For each connection, date and login, which run concurrently. */
const timeoutMs = 3_000;

export interface DoctorDeps {
  readonly config: Config;
  readonly services: readonly ServiceName[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Describes the swob that listens at the port of that service; undefined when none does. */
  readonly identifySwob: (service: ServiceName) => Promise<string | undefined>;
}

/** @returns the findings in the order in which they are printed. Rejects only with the signal's reason. */
export async function runChecks(deps: DoctorDeps): Promise<Finding[]> {
  const { config, services, clock, signal } = deps;
  const { base_dir } = config.logging;
  const finishClockCheck = startClockCheck(clock);
  const upstreams = configuredUpstreams(config).filter(({ service }) => services.includes(service));
  const hasGateway = services.includes('gateway');
  const listeners = {
    gateway: config.api,
    sync: config.websocket,
    disconnect: config.disconnect,
  };
  const deadline = startDeadline(clock, signal);
  const groups = await Promise.all([
    guardCheck('machine', async () => [
      checkNode(process.version),
      checkMemory(),
      checkConnectionLimit(config),
      await compareClocks(upstreams, clock, deadline.signal),
    ]),
    guardCheck('keys', () => checkKeys(config, services)),
    guardCheck('certificates', () => checkCertificates(config, services, clock.now())),
    guardCheck('files and names', () => checkFilesAndHostnames(config, services, deadline.signal)),
    ...services.map((service) =>
      guardCheck(`port of ${service}`, async () => [
        await checkPort({ service, ...listeners[service] }, () =>
          deps.identifySwob(service).catch(() => undefined),
        ),
      ]),
    ),
    guardCheck('port of accounting', async () =>
      services.includes('disconnect') && config.disconnect.verify === 'accounting'
        ? [
            await checkAccountingPort(config.disconnect, () =>
              deps.identifySwob('disconnect').catch(() => undefined),
            ),
          ]
        : [],
    ),
    guardCheck('store', () => checkStore(services, { config, clock, signal: deadline.signal })),
    guardCheck('audit trail', () => checkAuditTrail(services, { config, clock, signal: deadline.signal })),
    guardCheck('log folder', async () =>
      base_dir === '' ? [] : [await checkFolder('log folder', base_dir, '[logging] base_dir', false)],
    ),
    ...upstreams.map((upstream) =>
      guardCheck(upstream.name, async () => [
        await checkUpstream(upstream, () => measureConnect(upstream, clock, deadline.signal)),
      ]),
    ),
    guardCheck('phones', async () =>
      hasGateway ? checkPhoneAccess(config, (url) => probeTls(endpointOf(url), deadline.signal)) : [],
    ),
    guardCheck('number data', async () => (hasGateway ? checkNumberData(numberData, clock.now()) : [])),
    guardCheck('broker', async () => (hasGateway ? checkBroker(config, clock) : [])),
  ]).finally(deadline.cancel);
  signal.throwIfAborted();
  const [machine = [], ...others] = groups;
  return [...machine, finishClockCheck(), ...others.flat()];
}

/**
 * Aborts after `timeoutMs`, and with `signal`. Not AbortSignal.any over AbortSignal.timeout: Node 20 collects such a timeout
 * as garbage before it fires.
 */
function startDeadline(clock: Clock, signal: AbortSignal): { signal: AbortSignal; cancel: () => void } {
  const controller = new AbortController();
  // Every check adds a listener to the signal; above its default limit Node prints a warning.
  setMaxListeners(0, controller.signal);
  const abort = (): void => controller.abort();
  const cancelTimer = clock.after(timeoutMs, abort);
  signal.addEventListener('abort', abort);
  return {
    signal: controller.signal,
    cancel: () => {
      cancelTimer();
      signal.removeEventListener('abort', abort);
    },
  };
}

/** An error of a check becomes a finding, so that the results of the others are still shown. */
async function guardCheck(
  check: string,
  run: () => Promise<readonly (Finding | undefined)[]>,
): Promise<Finding[]> {
  try {
    return (await run()).filter((finding) => finding !== undefined);
  } catch (error) {
    return [
      fail(check, `the check failed: ${messageOf(error)}`, 'fix the cause, or report it as a bug of swob'),
    ];
  }
}

async function measureConnect(endpoint: Endpoint, clock: Clock, signal: AbortSignal): Promise<number> {
  const since = clock.monotonic();
  await probeTcp(endpoint, signal);
  return clock.monotonic() - since;
}

/** Imports amqplib only where a broker is configured. */
async function checkBroker({ broker }: Config, clock: Clock): Promise<Finding[]> {
  if (broker.url === '') return [];
  const attemptLogin = async (
    check: string,
    logIn: () => Promise<unknown>,
    key: string,
  ): Promise<Finding> => {
    try {
      await logIn();
      return ok(check, 'accepts our user and password');
    } catch (error) {
      return fail(check, messageOf(error), `start the broker, or correct the user or password in ${key}`);
    }
  };
  const { checkLogin } = await import('../../amqp/login.ts');
  const findings = [
    attemptLogin('broker login', () => checkLogin(broker.url, timeoutMs, clock), '[broker] url'),
  ];
  if (broker.management_url !== '') {
    const { createManagement } = await import('../../upstream/rabbitmq-management.ts');
    const { management_url: managementUrl, management_user: user, management_password: password } = broker;
    const management = createManagement({ managementUrl, user, password, timeoutMs, clock });
    const key = '[broker] management_user or management_password';
    findings.push(attemptLogin('broker management', () => management.get('whoami'), key));
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
      const date = origin === undefined ? undefined : await fetchServerDate(origin, signal);
      if (date !== undefined) differences.set(name, date - clock.now());
    }),
  );
  return compareWithUpstreamClocks(differences);
}

/** Only host and port of each upstream system: the rest of a URL may contain a password. */
function configuredUpstreams(config: Config): (Upstream & { readonly origin: string | undefined })[] {
  const {
    user_management_api: users,
    dev_api,
    backend_publisher,
    publisher,
    broker,
    pcrf,
    disconnect,
  } = config;
  const http = (url: string) => {
    const { protocol, host } = new URL(url);
    return { ...endpointOf(url), origin: `${protocol}//${host}` };
  };
  const gateway = { service: 'gateway' as const };
  const relay = relayUrl(config);
  const systems: (Upstream & { readonly origin: string | undefined })[] = [
    {
      ...gateway,
      ...http(users.verification_url),
      name: 'user management API',
      key: '[user_management_api]',
      consequence: 'no phone can pair',
    },
    {
      ...gateway,
      ...http(dev_api.authentication_url),
      name: 'developer API',
      key: '[dev_api]',
      consequence: 'no developer can send SMS',
    },
    {
      ...gateway,
      ...http(upstreamUrl(backend_publisher)),
      name: 'back end',
      key: '[backend_publisher]',
      consequence: 'inbound SMS wait in the outbox',
    },
    {
      ...gateway,
      ...http(upstreamUrl(publisher)),
      name: 'Publisher',
      key: '[publisher]',
      consequence: 'inbound SMS wait in the outbox',
    },
    ...(relay === undefined
      ? []
      : [
          {
            ...gateway,
            ...http(relay),
            name: 'RelaySMS Publisher',
            key: '[relay] url',
            consequence: 'payloads wait in the outbox',
          },
        ]),
    ...(broker.url === ''
      ? []
      : [
          {
            ...gateway,
            ...endpointOf(broker.url),
            origin: undefined,
            name: 'broker',
            key: '[broker] url',
            consequence: 'no SMS can be sent',
          },
        ]),
    ...(disconnect.backend === 'radius'
      ? []
      : pcrfServers(pcrf).map(({ host, port }, index, servers) => ({
          service: 'disconnect' as const,
          host,
          port,
          origin: `http://${bracketHost(host)}:${port}`,
          name: servers.length === 1 ? 'PCRF' : `PCRF ${index + 1}`,
          key: '[pcrf]',
          isOneOfSeveral: servers.length > 1,
          consequence:
            servers.length === 1
              ? 'no Wi-Fi session can be disconnected'
              : 'Wi-Fi sessions are disconnected by the other hosts of [pcrf] only',
        }))),
  ];
  if (!isRelayOnly(config)) return systems;
  const unused = ['[user_management_api]', '[backend_publisher]', '[publisher]'];
  if (broker.url === '') unused.push('[dev_api]');
  return systems.filter(({ key }) => !unused.includes(key));
}
