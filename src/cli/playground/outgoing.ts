// Outgoing SMS of a playground that has a RabbitMQ: a developer who has subscribed, and a phone that reports. Used by
// playground.ts.

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { amqpAddress } from '../../amqp/address.ts';
import type { Lifecycle } from '../../app/lifecycle.ts';
import { createStatusToken } from '../../crypto/status-token.ts';
import { everyNetworkBinding, networkBinding } from '../../domain/outgoing/broker-names.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import { messageOf, SwobError } from '../../errors.ts';
import { writeNewFile } from '../../lib/durable-files.ts';
import { bracketHost } from '../../lib/net.ts';
import type { RunningPhoneStub } from '../../stubs/phone.ts';
import { createHttpClient } from '../client/http-client.ts';

/** A RabbitMQ, and an administrator of it. */
export interface BrokerOptions {
  /** With user and password, such as `amqp://guest:guest@localhost:5672`. */
  readonly url: string;
  /** Of its management API; port 15672 of the same host by default. */
  readonly managementUrl?: string | undefined;
}

/** The developer of a playground, under an own name, because several playgrounds may use one RabbitMQ. */
export interface PlaygroundDeveloper {
  readonly authId: string;
  readonly authKeyFile: string;
  /** Where phones report, and the file of the token that allows it. */
  readonly statusUrl: string;
  readonly statusTokenFile: string;
}

export interface OutgoingSetup {
  readonly broker: BrokerOptions;
  readonly authId: string;
  readonly authKey: string;
  readonly setupKey: string;
  readonly statusSecret: string;
}

export function createOutgoingSetup(broker: BrokerOptions): OutgoingSetup {
  const secret = (): string => randomBytes(16).toString('hex');
  return {
    broker,
    authId: `playground_${randomBytes(4).toString('hex')}`,
    authKey: secret(),
    setupKey: secret(),
    statusSecret: secret(),
  };
}

const setupId = 'playground';

/** Sections of the configuration file. */
export function outgoingSettings({ broker, setupKey, statusSecret }: OutgoingSetup) {
  const { hostname, username, password } = amqpAddress(broker.url);
  return {
    broker: {
      url: broker.url,
      management_url: broker.managementUrl ?? `http://${bracketHost(hostname)}:15672`,
      management_user: username,
      management_password: password,
    },
    outgoing: { setup_id: setupId, setup_key: setupKey, status_secret: statusSecret },
  };
}

export interface OutgoingPart {
  readonly developer: PlaygroundDeveloper;
  readonly phone: RunningPhoneStub;
}

/**
 * Subscribes the developer at a gateway that runs, and starts the phone; the lifecycle ends both. Throws UPSTREAM when RabbitMQ
 * refuses.
 */
export async function startOutgoing(
  { broker, authId, authKey, setupKey, statusSecret }: OutgoingSetup,
  at: { readonly gateway: string; readonly folder: string; readonly host: string; readonly port: number },
  { clock, lifecycle }: { readonly clock: Clock; readonly lifecycle: Lifecycle },
): Promise<OutgoingPart> {
  const stopped = new AbortController();
  const http = createHttpClient({ baseUrl: at.gateway, signal: stopped.signal });
  const body = { id: setupId, key: setupKey, auth_id: authId, auth_key: authKey };
  try {
    await http.text({ method: 'POST', path: '/v1/subscribe', body });
  } catch (error) {
    const advice = 'check --broker and --broker-management, and that their user is an administrator';
    const message = `cannot create a developer at the RabbitMQ of the playground: ${messageOf(error)}; ${advice}`;
    throw new SwobError('UPSTREAM', message, { cause: error });
  }
  // Also removes its queues.
  lifecycle.defer('developer', async () => {
    await http.text({ method: 'DELETE', path: '/v1/unsubscribe', body });
  });
  const statusUrl = `${at.gateway}/v1/status/${authId}`;
  const statusToken = createStatusToken(statusSecret, authId);
  const [authKeyFile, statusTokenFile] = [join(at.folder, 'auth.key'), join(at.folder, 'status.token')];
  await Promise.all([
    writeNewFile(authKeyFile, `${authKey}\n`),
    writeNewFile(statusTokenFile, `${statusToken}\n`),
  ]);
  // Imported here, because amqplib doubles the start-up time.
  const { startPhoneStub } = await import('../../stubs/phone.ts');
  const phone = await startPhoneStub({
    host: at.host,
    port: at.port,
    broker: { ...amqpAddress(broker.url), username: authId, password: authKey },
    binding: networkBinding(authId, everyNetworkBinding(authId)),
    statusUrl,
    statusToken,
    clock,
  });
  lifecycle.defer('phone', () => phone.close());
  return { developer: { authId, authKeyFile, statusUrl, statusTokenFile }, phone };
}

export async function readOutgoingSecrets({
  authKeyFile,
  statusTokenFile,
}: PlaygroundDeveloper): Promise<{ readonly authKey: string; readonly statusToken: string }> {
  const [authKey, statusToken] = await Promise.all([
    readFile(authKeyFile, 'utf8'),
    readFile(statusTokenFile, 'utf8'),
  ]);
  return { authKey: authKey.trim(), statusToken: statusToken.trim() };
}
