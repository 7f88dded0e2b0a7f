// Tenants on a real RabbitMQ for tests, and clients with their credentials.

import type { Channel } from 'amqplib';
import { beforeEach } from 'vitest';
import { exchangeName } from '../../src/domain/outgoing/broker-names.ts';
import type { Tenants } from '../../src/domain/outgoing/ports.ts';
import { createTenants, type TenantsOptions } from '../../src/upstream/rabbitmq-tenants.ts';
import { connectClient, openChannel } from '../support/amqp-client.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';
import { alice, bob } from './tenant-attempts.ts';

/** The developers' key. */
export const key = 'al1ce-key';

/** A broker for all tests of a file; each starts without tenants and their names. */
export function tenantsForFile() {
  const rabbit = rabbitForFile();

  function tenantsAt(options: Partial<TenantsOptions> = {}): Tenants {
    const { url, managementUrl } = rabbit();
    const guest = { user: 'guest', password: 'guest' };
    const defaults = {
      managementUrl,
      ...guest,
      brokerUrl: url,
      tags: [],
      timeoutMs: 10_000,
      clock: createFakeClock(),
    };
    return createTenants({ ...defaults, ...options });
  }

  /** The broker's URL for this user. */
  function urlOf(user: string, password = key, vhost = ''): string {
    return `amqp://${rabbit().host}:${rabbit().port}${vhost}`.replace(
      '//',
      `//${user}:${encodeURIComponent(password)}@`,
    );
  }

  async function phoneOf(user: string): Promise<Channel> {
    return openChannel(await connectClient(urlOf(user, key)));
  }

  const namesOf = async (kind: string): Promise<string[]> => {
    const list: { name: string }[] = Object(await rabbit().manage('GET', `${kind}/%2F`));
    return list.map(({ name }) => name).filter((name) => name.includes('_OUTGOING_SMS'));
  };

  /** Each test starts with an unused broker. */
  beforeEach(async () => {
    const { manage } = rabbit();
    for (const user of [alice, bob]) await manage('DELETE', `users/${user}`).catch(() => undefined);
    for (const kind of ['queues', 'exchanges']) {
      for (const name of await namesOf(kind))
        await manage('DELETE', `${kind}/%2F/${encodeURIComponent(name)}`);
    }
    await manage('DELETE', `exchanges/%2F/${exchangeName}`).catch(() => undefined);
  });

  return { rabbit, tenantsAt, urlOf, phoneOf, namesOf };
}
