// The RADIUS accounting server over real sockets: what it records and acknowledges, and what it drops; with radclient, too.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import type { AccountingEvent } from '../../src/domain/wifi/accounting.ts';
import { createNasTable } from '../../src/domain/wifi/nas-table.ts';
import { openAccountingServer } from '../../src/radius/accounting-server.ts';
import {
  addressAttribute,
  attributeTypes,
  integerAttribute,
  textAttribute,
} from '../../src/radius/attributes.ts';
import { sealRequest } from '../../src/radius/authenticators.ts';
import { createRadiusClient } from '../../src/radius/client.ts';
import { type Attribute, packetCodes } from '../../src/radius/packet.ts';
import { freeradiusNeeds, radclient } from '../support/freeradius.ts';
import { nasSecret, startNas } from '../support/nas.ts';
import { needs } from '../support/needs.ts';
import { onEnd } from '../support/teardown.ts';
import { sendFromPortZero } from '../support/udp-ports.ts';

const secret = Buffer.from('testing123');

async function start(address = ['127.0.0.1', '10.0.0.0/24']) {
  const events: AccountingEvent[] = [];
  const table = createNasTable([
    { address: ['127.0.0.0/8'], vrf: 'other', secret: () => Buffer.from('of another VRF') },
    { address, vrf: '', secret: () => secret },
    { address: ['10.0.1.1'], vrf: '', secret: () => Buffer.from('of another NAS') },
  ]);
  const record = (event: AccountingEvent): void => void events.push(event);
  const server = await openAccountingServer({
    host: '127.0.0.1',
    port: 0,
    nasAt: table.at,
    record,
    failed: fail,
  });
  onEnd(server.close);
  return { ...server, events };
}

function fail(reason: string): never {
  throw new Error(reason);
}

const of = attributeTypes;
const status = (value: number): Attribute => integerAttribute(of.acctStatusType, value);
const named = [textAttribute(of.acctSessionId, 's1'), textAttribute(of.callingStationId, 'fc4596-5f50ac')];

async function request(port: number, attributes: readonly Attribute[], key = secret) {
  const client = createRadiusClient({ clock: systemClock, random: () => 0 });
  onEnd(() => client.close());
  const result = await client.request({
    ...{ address: '127.0.0.1', port, secret: key, code: packetCodes.accountingRequest, attributes },
    ...{ timeoutMs: 60_000, retries: 0 },
  });
  return result.kind;
}

test('sessions that start, continue and stop are recorded, and every request is acknowledged', async () => {
  const { port, events, counts } = await start();
  for (const value of [1, 3, 2]) expect(await request(port, [status(value), ...named])).toBe('answer');
  expect(events).toEqual(
    ['start', 'interim', 'stop'].map((each) => ({
      status: each,
      sessionId: 's1',
      mac: 'fc4596-5f50ac',
      addresses: ['127.0.0.1'],
    })),
  );
  // Accounting-On, and a Stop of no session.
  for (const attributes of [[status(7)], [status(2)]]) expect(await request(port, attributes)).toBe('answer');
  expect(counts()).toMatchObject({ start: 1, interim: 1, stop: 1, other: 2 });
});

test('the NAS-IP-Address counts if it is one of the same section', async () => {
  const { port, events } = await start();
  for (const ip of ['10.0.0.7', '10.0.1.1', '2001:db8::1']) {
    const attribute = addressAttribute({ ipv4: of.nasIpAddress, ipv6: of.nasIpv6Address }, ip);
    expect(await request(port, [status(2), ...named, attribute])).toBe('answer');
  }
  expect(events.map(({ addresses }) => addresses)).toEqual([
    ['127.0.0.1', '10.0.0.7'],
    ['127.0.0.1'],
    ['127.0.0.1'],
  ]);
});

test('what is not a request of a configured NAS is dropped, counted, and not answered', async () => {
  const [{ port, events, counts }, stranger] = [await start(), await start(['10.9.9.9'])];
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  onEnd(() => socket.close());
  await once(socket, 'listening');
  const answers: Buffer[] = [];
  socket.on('message', (bytes) => void answers.push(bytes));
  const seal = (code: number, key = secret) =>
    sealRequest({ code, identifier: 1, attributes: [status(2), ...named] }, key);
  const damaged = seal(packetCodes.accountingRequest);
  damaged[30] = 0;
  socket.send(Buffer.from('no packet'), port, '127.0.0.1');
  socket.send(seal(packetCodes.disconnectRequest), port, '127.0.0.1');
  socket.send(seal(packetCodes.accountingRequest, Buffer.from('wrong')), port, '127.0.0.1');
  socket.send(damaged, port, '127.0.0.1');
  await vi.waitFor(() => expect(counts()).toMatchObject({ malformed: 1, code: 1, authenticator: 2 }));
  // The other section's secret is none of this address's first.
  const other = await start(['127.0.0.1']);
  expect(await request(other.port, [status(2), ...named], Buffer.from('of another VRF'))).toBe('answer');
  socket.send(seal(packetCodes.accountingRequest), stranger.port, '127.0.0.2');
  socket.send(seal(packetCodes.accountingRequest), port, '127.0.0.1');
  await vi.waitFor(() => expect(answers).toHaveLength(1));
  expect(events).toHaveLength(1);
});

test('no damaged packet is recorded or acknowledged, and none stops the server', async () => {
  const { port, events, counts } = await start();
  const socket = createSocket('udp4');
  onEnd(() => socket.close());
  const whole = sealRequest({ code: 4, identifier: 1, attributes: [status(2), ...named] }, secret);
  const damages = fc.oneof(
    fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, mask]) => {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      return bytes;
    }),
    fc.nat(whole.length - 1).map((length) => whole.subarray(0, length)),
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  );
  // Few enough for the buffer of the socket.
  const datagrams = fc.sample(damages, 100);
  for (const datagram of datagrams) socket.send(datagram, port, '127.0.0.1');
  const total = () => Object.values(counts()).reduce((sum, count) => sum + count, 0);
  await vi.waitFor(() => expect(total()).toBe(datagrams.length));
  expect(events).toEqual([]);
  expect(await request(port, [status(2), ...named])).toBe('answer');
});

test('a request from port 0, to which no answer can be sent, is dropped', async (context) => {
  needs(context, { root: true });
  const { port, events, counts } = await start();
  const bytes = sealRequest({ code: 4, identifier: 1, attributes: [status(2), ...named] }, secret);
  sendFromPortZero(port, bytes);
  await vi.waitFor(() => expect(counts().malformed).toBe(1));
  expect(events).toEqual([]);
});

test('the stub of a NAS drops a request from port 0, too', async (context) => {
  needs(context, { root: true });
  const { stub } = await startNas();
  const bytes = sealRequest({ code: 40, identifier: 1, attributes: named }, Buffer.from(nasSecret));
  const { port } = stub.radius;
  sendFromPortZero(port, bytes);
  const client = createRadiusClient({ clock: systemClock, random: () => 0 });
  onEnd(() => client.close());
  const to = { address: '127.0.0.1', port, secret: Buffer.from(nasSecret), code: 40, attributes: named };
  expect(await client.request({ ...to, timeoutMs: 60_000, retries: 0 })).toMatchObject({ kind: 'answer' });
});

test('a port in use is said', async () => {
  const { port } = await start();
  await expect(
    openAccountingServer({ host: '127.0.0.1', port, nasAt: () => [], record: () => undefined, failed: fail }),
  ).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('accounting_port') });
});

test('an address without a section is unknown', async () => {
  const events: AccountingEvent[] = [];
  const server = await openAccountingServer({
    ...{ host: '::1', port: 0, nasAt: () => [], failed: fail },
    record: (event) => void events.push(event),
  });
  onEnd(server.close);
  const socket = createSocket('udp6');
  onEnd(() => socket.close());
  socket.send(
    sealRequest({ code: 4, identifier: 1, attributes: [status(2), ...named] }, secret),
    server.port,
    '::1',
  );
  await vi.waitFor(() => expect(server.counts().unknown_nas).toBe(1));
  expect(events).toEqual([]);
});

test('radclient sends accounting, and takes the answer, with its Proxy-State', async (context) => {
  needs(context, ...freeradiusNeeds);
  const { port, events } = await start();
  const attributes = [
    'Acct-Status-Type = Stop',
    'Acct-Session-Id = "5692549928996307964"',
    'Calling-Station-Id = "FC-45-96-5F-50-AC"',
    'NAS-IP-Address = 10.0.0.1',
    'Proxy-State = 0x0102',
  ];
  const printed = await radclient(port, 'testing123', attributes, 'acct');
  expect(printed).toContain('Received Accounting-Response');
  expect(printed).toContain('Proxy-State = 0x0102');
  // More when radclient sends it again.
  expect(events[0]).toEqual({
    status: 'stop',
    sessionId: '5692549928996307964',
    mac: 'FC-45-96-5F-50-AC',
    addresses: ['127.0.0.1', '10.0.0.1'],
  });
});
