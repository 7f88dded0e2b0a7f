// The RADIUS client over real sockets: retransmission, answers that it must drop, bounds, and what it returns at its end.

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { sealResponse } from '../../src/radius/authenticators.ts';
import { createRadiusClient, type RadiusRequest } from '../../src/radius/client.ts';
import { decodePacket } from '../../src/radius/packet.ts';
import { sendTimes } from '../../src/radius/retransmission.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { onEnd } from '../support/teardown.ts';

const secret = Buffer.from('testing123');

/** A NAS that keeps what it receives and answers nothing by itself. */
async function startNas(address = '127.0.0.1') {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const received: { bytes: Buffer; from: RemoteInfo }[] = [];
  socket.on('message', (bytes, from) => received.push({ bytes, from }));
  socket.bind(0, address);
  await once(socket, 'listening');
  onEnd(() => socket.close());
  /** The answer to a packet that was received. */
  const answerTo = (index: number, code = 41, key = secret): Buffer => {
    const packet = packetOf(received[index]?.bytes);
    return sealResponse({ code, identifier: packet.identifier, attributes: [] }, packet.authenticator, key);
  };
  const send = (index: number, bytes: Buffer, from: Socket = socket): void => {
    const { port, address: to } = received[index]?.from ?? { port: 0, address: '' };
    from.send(bytes, port, to);
  };
  const { port } = socket.address();
  return { address, port, received, answerTo, send, reply: (index: number) => send(index, answerTo(index)) };
}

function packetOf(bytes: Buffer | undefined) {
  const decoded = decodePacket(bytes ?? Buffer.alloc(0));
  if (decoded.kind !== 'packet') throw new Error(`malformed: ${decoded.fault}`);
  return decoded.packet;
}

function start() {
  const clock = createFakeClock();
  const client = createRadiusClient({ clock, random: () => 0.5 });
  onEnd(() => client.close());
  const request = (nas: { address: string; port: number }, changes: Partial<RadiusRequest> = {}) =>
    client.request({
      ...{
        address: nas.address,
        port: nas.port,
        secret,
        code: 40,
        attributes: [],
        timeoutMs: 15_000,
        retries: 3,
      },
      ...changes,
    });
  return { clock, client, request };
}

test('the same bytes are sent again, until an answer comes', async () => {
  const { clock, request } = start();
  const nas = await startNas();
  const result = request(nas);
  await vi.waitFor(() => expect(nas.received).toHaveLength(1));
  clock.advance(999);
  clock.advance(1);
  await vi.waitFor(() => expect(nas.received).toHaveLength(2));
  clock.advance(2_000);
  await vi.waitFor(() => expect(nas.received).toHaveLength(3));
  expect(new Set(nas.received.map(({ bytes }) => bytes.toString('hex'))).size).toBe(1);
  nas.reply(0);
  expect(await result).toMatchObject({ kind: 'answer', attempts: 3, packet: { code: 41 } });
});

test('without an answer it is a timeout at its time, after all retransmissions', async () => {
  const { clock, request } = start();
  const nas = await startNas();
  let ended = false;
  const result = request(nas).finally(() => {
    ended = true;
  });
  for (const ms of [1_000, 2_000, 4_000, 7_999]) clock.advance(ms);
  await vi.waitFor(() => expect(nas.received).toHaveLength(4));
  expect(ended).toBe(false);
  clock.advance(1);
  expect(await result).toEqual({ kind: 'timeout', attempts: 4 });
  expect(clock.pending).toBe(0);
});

test('answers that are not the right one are dropped and counted, and the wait continues', async () => {
  const { client, request } = start();
  const nas = await startNas();
  const other = await startNas();
  const result = request(nas);
  await vi.waitFor(() => expect(nas.received).toHaveLength(1));
  const right = nas.answerTo(0);
  const otherSocket = createSocket('udp4');
  onEnd(() => otherSocket.close());
  nas.send(0, right, otherSocket);
  nas.send(0, Buffer.alloc(19));
  nas.send(0, Buffer.concat([right.subarray(0, 2), Buffer.from([0x20, 0]), Buffer.alloc(5_000)]));
  nas.send(0, Buffer.concat([Buffer.of(41, (right[1] ?? 0) + 1), right.subarray(2)]));
  nas.send(0, nas.answerTo(0, 44));
  nas.send(0, nas.answerTo(0, 41, Buffer.from('another secret')));
  await vi.waitFor(() =>
    expect(client.dropped()).toEqual({
      sender: 1,
      malformed: 2,
      identifier: 1,
      code: 1,
      authenticator: 1,
      message_authenticator: 0,
    }),
  );
  nas.send(0, right);
  expect(await result).toMatchObject({ kind: 'answer', attempts: 1 });
  // The second copy finds no request.
  nas.send(0, right);
  await vi.waitFor(() => expect(client.dropped()).toMatchObject({ sender: 2 }));
  expect(other.received).toHaveLength(0);
});

test('256 requests to a NAS run at a time; the next one waits for an identifier, and is busy after its timeout', async () => {
  const { clock, request } = start();
  const nas = await startNas();
  const running: ReturnType<typeof request>[] = [];
  // Not all at once, because the buffer of a socket holds fewer.
  while (running.length < 256) {
    for (let each = 0; each < 32; each += 1) running.push(request(nas, { timeoutMs: 60_000, retries: 0 }));
    await vi.waitFor(() => expect(nas.received).toHaveLength(running.length));
  }
  const next = request(nas, { timeoutMs: 60_000, retries: 0 });
  const last = request(nas, { timeoutMs: 10, retries: 0 });
  clock.advance(10);
  expect(await last).toEqual({ kind: 'busy', attempts: 0 });
  nas.reply(0);
  const first = packetOf(nas.received[0]?.bytes).identifier;
  expect(await running[first]).toMatchObject({ kind: 'answer' });
  await vi.waitFor(() => expect(nas.received).toHaveLength(257));
  expect(packetOf(nas.received[256]?.bytes).identifier).toBe(first);
  nas.reply(256);
  expect(await next).toMatchObject({ kind: 'answer' });
});

test('a packet that cannot be sent, or bound, is unreachable; the next one is tried again', async () => {
  const { request } = start();
  const nas = await startNas();
  const unreachable = { kind: 'unreachable', code: expect.stringMatching(/^E/), attempts: 0 };
  expect(await request(nas, { sourceAddress: '192.0.2.1' })).toEqual(unreachable);
  expect(await request(nas, { sourceAddress: '192.0.2.1' })).toEqual(unreachable);
  const tooLarge = Array.from({ length: 17 }, () => ({ type: 1, value: Buffer.alloc(253) }));
  expect(await request(nas, { attributes: tooLarge })).toEqual({ kind: 'too large', attempts: 0 });
});

test('IPv6 works, and a source address is used', async () => {
  const { request } = start();
  const nas = await startNas('::1');
  const result = request(nas, { sourceAddress: '::1' });
  await vi.waitFor(() => expect(nas.received).toHaveLength(1));
  expect(nas.received[0]?.from.address).toBe('::1');
  nas.reply(0);
  expect(await result).toMatchObject({ kind: 'answer' });
});

test('closing ends what runs, and refuses what comes later', async () => {
  const { client, request } = start();
  const nas = await startNas();
  const running = [request(nas), request(nas)];
  await vi.waitFor(() => expect(nas.received).toHaveLength(2));
  expect(await client.close()).toBe(2);
  expect(await Promise.all(running)).toEqual([
    { kind: 'closed', attempts: 1 },
    { kind: 'closed', attempts: 1 },
  ]);
  expect(await request(nas)).toEqual({ kind: 'closed', attempts: 0 });
});

test('retransmissions back off, in order and before the end of the wait', () => {
  expect(sendTimes(15_000, 3, () => 0.5)).toEqual([1_000, 3_000, 7_000]);
  for (const random of [0, 0.999]) {
    const times = sendTimes(100, 10, () => random);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)).toBeLessThan(100);
  }
  expect(sendTimes(1_000, 0, () => 0)).toEqual([]);
});
