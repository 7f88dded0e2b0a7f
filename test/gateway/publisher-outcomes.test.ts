// The gateway with a Publisher that is slow, fails or does not respond: what a phone receives and when, and how often the
// Publisher is called. docs/protocol.md, "Upstream systems".

import { createServer, type ServerResponse } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { FakeClock } from '../support/fake-clock.ts';
import { type Messaging, msisdn, startMessaging } from '../support/messaging.ts';
import { encryptAsApp } from '../support/sms.ts';

const message = 'g:to@example.org:cc:bcc:subject:body';

/** A Publisher that delivers immediately, and responds when and how the test says. */
async function startPublisher() {
  const held: ServerResponse[] = [];
  const delivered: string[] = [];
  let respond: (response: ServerResponse) => void = (response) => void held.push(response);
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      delivered.push(body);
      respond(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    held,
    delivered,
    set: [`publisher.port=${port}`],
    respondBy: (next: typeof respond) => {
      respond = next;
    },
  };
}

/** Advances the clock in steps and lets the sockets work in between. */
async function pass(clock: FakeClock, ms: number, steps = 40): Promise<void> {
  for (let step = 0; step < steps; step++) {
    clock.leap(ms / steps);
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  }
}

/** Advances the clock, slowly enough for sockets, until the Publisher has `count` messages. */
async function passUntil(clock: FakeClock, delivered: readonly unknown[], count: number): Promise<void> {
  const isThere = (): void => {
    clock.advance(1_000);
    expect(delivered).toHaveLength(count);
  };
  await vi.waitFor(isThere, { timeout: 30_000, interval: 5 });
}

const stateOf = async ({ gateway, folder }: Messaging, id: string | null): Promise<unknown> => {
  const { readFile } = await import('node:fs/promises');
  const token = (await readFile(`${folder}/admin.token`, 'utf8')).trim();
  const response = await fetch(`${gateway}/sms/messages/${id}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return ((await response.json()) as { state?: unknown }).state;
};

test('a Publisher that takes 30 s: the phone gets 202 after 8 s, the call continues, and the mail is sent once', async () => {
  const publisher = await startPublisher();
  const services = await startMessaging({ set: publisher.set });
  const body = { text: encryptAsApp(services.sharedKey, message), MSISDN: msisdn };
  let answered = false;
  const response = services.post(body).finally(() => {
    answered = true;
  });
  await vi.waitFor(() => expect(publisher.held).toHaveLength(1));
  await pass(services.clock, 7_000);
  expect(answered).toBe(false);
  await pass(services.clock, 2_000);
  const { status, text, headers } = await response;
  expect([status, text]).toEqual([202, 'message accepted']);
  const id = headers.get('x-message-id');
  expect(await stateOf(services, id)).toBe('sending');
  // A retry by the phone sends no second mail.
  expect((await services.post(body)).status).toBe(202);
  await pass(services.clock, 20_000);
  publisher.held[0]?.end('ok');
  await vi.waitFor(async () => expect(await stateOf(services, id)).toBe('published'));
  await pass(services.clock, 3_600_000);
  expect(publisher.delivered).toHaveLength(1);
});

test.each([
  ['never responds', (): void => {}],
  ['closes the connection', (response: ServerResponse): void => void response.destroy()],
])('a Publisher that delivers and %s gets the same mail at most twice in a day', async (_what, response) => {
  const publisher = await startPublisher();
  publisher.respondBy(response);
  const services = await startMessaging({ set: publisher.set });
  const first = services.send(message);
  await vi.waitFor(() => expect(publisher.delivered).toHaveLength(1));
  await pass(services.clock, 15_000);
  expect((await first).status).toBe(202);
  const id = (await first).headers.get('x-message-id');
  await pass(services.clock, 500_000);
  await passUntil(services.clock, publisher.delivered, 2);
  await pass(services.clock, 86_400_000, 100);
  await vi.waitFor(async () => expect(await stateOf(services, id)).toBe('outcome unknown'));
  expect(publisher.delivered).toHaveLength(2);
});

test('a mail to which the Publisher responds 500 is sent four times, then dead-lettered', async () => {
  const publisher = await startPublisher();
  publisher.respondBy((response) => void response.writeHead(500).end());
  const services = await startMessaging({ set: [...publisher.set, 'publisher.retry_pause=30s'] });
  const { status, headers } = await services.send(message);
  expect(status).toBe(202);
  for (let round = 2; round <= 4; round++) {
    await passUntil(services.clock, publisher.delivered, round);
  }
  await vi.waitFor(async () =>
    expect(await stateOf(services, headers.get('x-message-id'))).toBe('dead-lettered'),
  );
  expect(publisher.delivered).toHaveLength(4);
});

test('a stop during a call responds to the phone immediately, and the next start knows of the call', async () => {
  const publisher = await startPublisher();
  const services = await startMessaging({ set: publisher.set });
  const response = services.send(message);
  await vi.waitFor(() => expect(publisher.held).toHaveLength(1));
  const stopped = services.stop();
  expect((await response).status).toBe(202);
  const id = (await response).headers.get('x-message-id');
  await vi.waitFor(() => {
    services.clock.advance(500);
    expect(publisher.held[0]?.destroyed).toBe(true);
  });
  services.clock.advance(10_000);
  await stopped;

  const { inspectStore } = await import('../process/installation.ts');
  await inspectStore(`${services.folder}/data`, async (store) => {
    const entry = await store.inbound.get(id ?? '');
    expect(entry).toMatchObject({ unknownOutcomes: 1, attempts: 1 });
  });
});

test('a stop lets a running call finish, and the message is not sent again', async () => {
  const publisher = await startPublisher();
  const services = await startMessaging({ set: publisher.set });
  const response = services.send(message);
  await vi.waitFor(() => expect(publisher.held).toHaveLength(1));
  const stopped = services.stop();
  const id = (await response).headers.get('x-message-id') ?? '';
  await pass(services.clock, 6_000);
  expect(publisher.held[0]?.destroyed).toBe(false);
  publisher.held[0]?.end('ok');
  await stopped;

  const { inspectStore } = await import('../process/installation.ts');
  const entry = await inspectStore(`${services.folder}/data`, (store) => store.inbound.get(id));
  expect(entry).toBeUndefined();
  expect(services.log.lines).toContainEqual(
    expect.objectContaining({ message: 'published', fields: expect.objectContaining({ id }) }),
  );
});
