// What a NAS may answer, and how it may be away, with the running disconnect service and backend = radius (docs/protocol.md,
// P6–P10): every one of them is a failure in time, and the next NAS is served.

import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { expect, onTestFinished, test, vi } from 'vitest';
import { sealResponse } from '../../src/radius/authenticators.ts';
import { decodePacket, type Packet } from '../../src/radius/packet.ts';
import {
  type DisconnectService,
  expectFailure,
  expectService,
  localTokenWith,
  requestDisconnect,
  startDisconnect,
} from '../support/disconnect.ts';
import { nasSecret, startNas } from '../support/nas.ts';
import { patient } from '../support/patience.ts';
import { onEnd, sharedByFile } from '../support/teardown.ts';
import { metric } from './probes.ts';

const secret = Buffer.from(nasSecret);
type Send = (bytes: Buffer) => void;
/** Answers a packet; `elsewhere` sends from another address. */
type Behaviour = (packet: Packet, send: Send, elsewhere: Send) => void;

const answerTo = ({ identifier, authenticator }: Packet, code = 41, key = secret): Buffer =>
  sealResponse({ code, identifier, attributes: [] }, authenticator, key);
const withLength = (answer: Buffer, length: number): Buffer =>
  Buffer.concat([answer.subarray(0, 2), Buffer.of(length >> 8, length & 0xff), answer.subarray(4)]);

const behaviours: Readonly<Record<string, Behaviour>> = {
  silent: () => {},
  'another secret': (packet, send) => send(answerTo(packet, 41, Buffer.from('another'))),
  'the authenticator of another request': (packet, send) =>
    send(answerTo({ ...packet, authenticator: Buffer.alloc(16, 7) })),
  'another identifier': (packet, send) =>
    send(answerTo({ ...packet, identifier: (packet.identifier + 1) % 256 })),
  'another code': (packet, send) => send(answerTo(packet, 44)),
  truncated: (packet, send) => {
    for (const length of [0, 1, 19, 21]) send(answerTo(packet).subarray(0, length));
  },
  'a length that is not its own': (packet, send) => {
    const answer = answerTo(packet);
    for (const length of [0, 19, answer.length + 1, 4_097, 65_535]) send(withLength(answer, length));
  },
  huge: (packet, send) => {
    const answer = Buffer.concat([answerTo(packet), Buffer.alloc(60_000, 255)]);
    send(withLength(answer, answer.length));
  },
  'another address': (packet, _send, elsewhere) => elsewhere(answerTo(packet)),
  endless: (packet, send) => {
    const forged = answerTo(packet, 41, Buffer.from('another'));
    for (let each = 0; each < 200; each += 1) send(forged);
  },
};

/** A NAS at its own address of this machine. */
async function startHostileNas(address: string, behave: Behaviour) {
  const received: { readonly packet: Packet; readonly from: RemoteInfo }[] = [];
  const [socket, other] = await Promise.all(
    [address, '127.0.0.254'].map(async (host) => {
      const opened = createSocket('udp4').bind(0, host);
      await once(opened, 'listening');
      onEnd(() => opened.close());
      return opened;
    }),
  );
  const sendBy =
    (from: typeof socket, to: RemoteInfo): Send =>
    (bytes) =>
      from?.send(bytes, to.port, to.address);
  socket?.on('message', (bytes, from) => {
    const decoded = decodePacket(bytes);
    if (decoded.kind !== 'packet') return;
    received.push({ packet: decoded.packet, from });
    behave(decoded.packet, sendBy(socket, from), sendBy(other, from));
  });
  /** The right answer to the first packet. */
  const answerLate = (): void => {
    for (const { packet, from } of received.slice(0, 1)) sendBy(socket, from)(answerTo(packet));
  };
  return { address, port: socket?.address().port ?? 0, received, answerLate };
}

const shared = sharedByFile(async () => {
  const good = await startNas();
  const hostile = await Promise.all(
    Object.entries(behaviours).map(async ([name, behave], index) => {
      const nas = await startHostileNas(`127.0.0.${index + 11}`, behave);
      return { ...nas, name, section: `away${index}` };
    }),
  );
  const sections = [
    ...hostile,
    // Nothing listens there, which the system says by ICMP.
    { section: 'closed', address: '127.0.0.101', port: 9 },
  ];
  const [silent] = hostile;
  const patientSection = [
    'nas patient.vrf=patient',
    `nas patient.address=${silent?.address}`,
    `nas patient.secret_file=${good.secretFile}`,
    `nas patient.port=${silent?.port}`,
    'nas patient.timeout=10s',
    'nas patient.retries=0',
  ];
  const set = sections.flatMap(({ section, address, port }) => [
    `nas ${section}.address=${address}`,
    `nas ${section}.secret_file=${good.secretFile}`,
    `nas ${section}.port=${port}`,
  ]);
  const service = await startDisconnect({
    set: [...good.set, ...set, ...patientSection, 'limits.disconnects=off'],
  });
  return { service: { ...service, nas: good, goodToken: localTokenWith() }, good, hostile };
}, [{ loopbackNetwork: true }]);

const droppedBy = async (service: DisconnectService, reason: string): Promise<number> =>
  (await metric(service.url, `swob_radius_packets_dropped_total{reason="${reason}"}`)) ?? 0;

test('P6–P9 a NAS that is away, or answers with anything but the right packet, causes 504 at the timeout', async () => {
  const { service, hostile } = shared();
  const away = [...hostile, { name: 'closed', address: '127.0.0.101', port: 9, section: 'closed' }];
  const responses = away.map(({ address }) => requestDisconnect(service, localTokenWith({ nasIp: address })));
  await vi.waitFor(
    async () => {
      expect(hostile.map(({ received }) => received.length > 0)).not.toContain(false);
      for (const reason of ['authenticator', 'identifier', 'code', 'malformed', 'sender'])
        expect([reason, await droppedBy(service, reason)]).not.toEqual([reason, 0]);
    },
    { timeout: patient(10_000) },
  );
  for (let second = 0; second < 5; second += 1) service.clock.advance(1_000);
  for (const [index, response] of (await Promise.all(responses)).entries()) {
    const { section = '', address = '', port } = away[index] ?? {};
    const label = `NAS ${section} at ${address}:${port}`;
    const advice = 'check its address, port and secret, and that it allows this machine';
    expectFailure(response, 504, `${label} did not answer within 5000 ms (4 packets); ${advice}`);
  }
  await expectGood();
});

test('P7 an answer after the timeout is dropped, and ends no other request', async () => {
  const { service, hostile } = shared();
  const before = await droppedBy(service, 'sender');
  const silent = hostile.find(({ name }) => name === 'silent');
  silent?.answerLate();
  await vi.waitFor(async () => expect(await droppedBy(service, 'sender')).toBeGreaterThan(before), {
    timeout: patient(10_000),
  });
  await expectGood();
});

test('P9 a NAS is named by its address only: a name, which DNS could change, is refused at the start', async () => {
  const { good } = shared();
  const started = startDisconnect({ set: [...good.set, 'nas branch.address=nas.example.org'] });
  await expect(started).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringMatching(/\[nas branch\] address: .*nas\.example\.org/),
  });
});

test('P10 while all identifiers of a NAS are in use, the next request gets 503, and those get 504', async () => {
  const { service, hostile } = shared();
  const silent = hostile.find(({ name }) => name === 'silent') ?? expect.fail();
  // So that the service can stop when the test fails.
  onTestFinished(() => service.clock.advance(60_000));
  const before = silent.received.length;
  const tokenOf = (vrf: string, sessionId: number): string =>
    localTokenWith({ nasIp: silent.address, vrf, sessionId: String(sessionId) });
  const running: ReturnType<typeof requestDisconnect>[] = [];
  // Not all at once, because the buffer of a socket holds fewer.
  while (running.length < 256) {
    for (let each = 0; each < 32; each += 1)
      running.push(requestDisconnect(service, tokenOf('patient', running.length)));
    await vi.waitFor(() => expect(silent.received).toHaveLength(before + running.length), {
      timeout: patient(10_000),
    });
  }
  const timers = service.clock.pending;
  const next = requestDisconnect(service, tokenOf('1', 256));
  // That of the wait for an identifier.
  await vi.waitFor(() => expect(service.clock.pending).toBe(timers + 1), {
    timeout: patient(10_000),
  });
  service.clock.advance(5_000);
  const label = `NAS ${silent.section} at ${silent.address}:${silent.port}`;
  expectFailure(await next, 503, `all 256 identifiers for ${label} are in use; try again`, 'BUSY');
  service.clock.advance(5_000);
  expect(new Set((await Promise.all(running)).map(({ status }) => status))).toEqual(new Set([504]));
  await expectGood();
});

/** Expects one more session to end at the good NAS. */
async function expectGood(): Promise<void> {
  const { service, good } = shared();
  const before = good.stub.journal.all().length;
  const counted = { ...service, calls: () => good.stub.journal.all().length };
  await expectService(counted);
  expect(good.stub.journal.all()).toHaveLength(before + 1);
}
