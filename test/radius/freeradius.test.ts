// Our packets and those of FreeRADIUS, both ways: radclient's bytes are ours, radclient with the stub, and FreeRADIUS as the NAS.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import type { WifiSession } from '../../src/domain/wifi/model.ts';
import { nasProfiles } from '../../src/domain/wifi/nas-profiles.ts';
import { attributeTypes } from '../../src/radius/attributes.ts';
import { requestFault, sealRequest } from '../../src/radius/authenticators.ts';
import { createRadiusClient } from '../../src/radius/client.ts';
import { decodePacket } from '../../src/radius/packet.ts';
import { startNasStub } from '../../src/stubs/nas.ts';
import { disconnectAtNas } from '../../src/upstream/radius-nas.ts';
import { freeradiusNeeds, radclient, startFreeradius } from '../support/freeradius.ts';
import { needs } from '../support/needs.ts';
import { patient } from '../support/patience.ts';
import { onEnd } from '../support/teardown.ts';

const secret = 'testing123';
const attributes = [
  'Message-Authenticator = 0x00',
  'User-Name = "alice"',
  'Acct-Session-Id = "5692549928996307964"',
  'Calling-Station-Id = "FC-45-96-5F-50-AC"',
  'NAS-IP-Address = 10.0.0.1',
  'NAS-IPv6-Address = 2001:db8::1',
  'Event-Timestamp = 1795975200',
];
const session: WifiSession = {
  sessionId: '5692549928996307964',
  nasIp: '127.0.0.1',
  vrf: '1',
  clientMac: 'FC-45-96-5F-50-AC',
  userName: 'alice',
};

beforeEach((context) => needs(context, ...freeradiusNeeds));

test.each(['disconnect', 'coa'] as const)(
  'a %s of radclient has the bytes that we make of its attributes',
  async (command) => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    onEnd(() => socket.close());
    await once(socket, 'listening');
    const received: Buffer[] = [];
    socket.on('message', (bytes, from) => {
      received.push(bytes);
      // Any answer ends radclient's wait; this one it drops, and then gives up.
      socket.send(bytes, from.port, from.address);
    });
    const printed = radclient(socket.address().port, secret, attributes, command).catch(() => '');
    await vi.waitFor(() => expect(received.length).toBeGreaterThan(0));
    const decoded = decodePacket(received[0] ?? Buffer.alloc(0));
    if (decoded.kind !== 'packet') throw new Error(decoded.fault);
    const { code, identifier, attributes: given } = decoded.packet;
    const key = Buffer.from(secret);
    expect(requestFault(decoded.bytes, key)).toBeUndefined();
    const rest = given.filter(({ type }) => type !== attributeTypes.messageAuthenticator);
    expect(sealRequest({ code, identifier, attributes: rest }, key).toString('hex')).toBe(
      decoded.bytes.toString('hex'),
    );
    void printed;
  },
);

test('radclient gets an ACK from the stub, and then a NAK', async () => {
  const sessions = [{ sessionId: session.sessionId, userName: 'alice' }];
  const stub = await startNasStub({ host: '127.0.0.1', port: 0, radiusPort: 0, secret, sessions });
  onEnd(() => stub.close());
  expect(await radclient(stub.radius.port, secret, attributes)).toContain('Received Disconnect-ACK');
  const again = await radclient(stub.radius.port, secret, attributes);
  expect(again).toContain('Received Disconnect-NAK');
  expect(again).toContain('Error-Cause = Session-Context-Not-Found');
  expect(await radclient(stub.radius.port, secret, attributes, 'coa')).toContain('Received CoA-NAK');
});

test('FreeRADIUS as the NAS answers our requests, and none with another secret', async () => {
  const port = await startFreeradius(secret);
  const client = createRadiusClient({ clock: systemClock, random: Math.random });
  onEnd(() => client.close());
  const disconnect = (userName: string, key: string, timeoutMs: number) =>
    disconnectAtNas(
      client,
      {
        name: 'freeradius',
        port,
        sourceAddress: '',
        profile: nasProfiles.generic,
        timeoutMs,
        retries: 5,
        secret: () => Buffer.from(key),
      },
      { ...session, userName },
      systemClock,
    );
  expect(await disconnect('alice', secret, patient(10_000))).toMatchObject({
    kind: 'disconnected',
    nas: 'freeradius',
  });
  expect(await disconnect('bob', secret, patient(10_000))).toMatchObject({
    kind: 'already gone',
    errorCause: 503,
    reason: `NAS freeradius at 127.0.0.1:${port} refused (503, session context not found)`,
  });
  expect(await disconnect('alice', 'another secret', 200)).toMatchObject({ kind: 'timeout', attempts: 6 });
});
