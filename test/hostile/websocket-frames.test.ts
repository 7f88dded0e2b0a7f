// docs/protocol.md, "Sync websocket input": frames against the protocol, and peers that do not read, W11 to W16.

import { expect, test } from 'vitest';
import { openSession, pair } from '../support/phone.ts';
import { openSocket, type TestSocket } from '../support/socket.ts';
import { expectService, phone, startAttackedServices } from './attacked-services.ts';
import { frame, openRawPeer, type RawPeer } from './raw.ts';

const unknownId = '0'.repeat(32);
const goodPassword = 'correct horse';
const nextUrl = async (socket: TestSocket): Promise<string> => JSON.parse(await socket.next()).qr_url;

test('W11 a frame above 4 KiB is closed 1009, one of 4 KiB is not', async () => {
  const services = await startAttackedServices();
  const socket = await openSocket(`${services.sync}/v2/sync/init/alice/000`);
  const shown = await nextUrl(socket);
  socket.raw.send('x'.repeat(4_096));
  await socket.settled();
  expect(socket.raw.readyState).toBe(socket.raw.OPEN);
  socket.raw.send('x'.repeat(4_097));
  expect((await socket.closed).code).toBe(1009);
  // What is announced counts, not what has come.
  const peer = await openRawPeer(`${services.sync}/v2/sync/init/alice/001`);
  peer.socket.write(Buffer.from([0x81, 0xff, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0]));
  expect(await peer.closed).toBe(1009);
  await pair(shown, phone, goodPassword);
});

test('W12 fragmentation attack: 100,000 one-byte fragments are closed 1008 or 1009 after the first few', async () => {
  const services = await startAttackedServices();
  const peer = await openRawPeer(`${services.sync}/v2/sync/init/alice/000`);
  const fragments = Array.from({ length: 100_000 }, (_, index) => frame(index === 0 ? 0x01 : 0x00, 'x'));
  peer.socket.write(Buffer.concat(fragments));
  expect([1008, 1009]).toContain(await peer.closed);
  const few = await openRawPeer(`${services.sync}/v2/sync/init/alice/001`);
  few.socket.write(Buffer.concat(fragments.slice(0, 65)));
  expect(await few.closed).toBe(1008);
  await expectService(services);
});

test('W12 message flood: too many messages are closed 1008', async () => {
  const services = await startAttackedServices();
  const peer = await openRawPeer(`${services.sync}/v2/sync/init/alice/000`);
  await peer.frame(1);
  peer.socket.write(Buffer.concat(Array<Buffer>(1_000).fill(frame(0x81, 'x'))));
  peer.socket.write(frame(0x89));
  await peer.frame(0xa);
  peer.socket.write(frame(0x81, 'x'));
  expect((await peer.frame(8)).readUInt16BE(0)).toBe(1008);
  await expectService(services);
});

test('W13 compression bomb: offered compression is not negotiated', async () => {
  const { gateway, sync } = await startAttackedServices();
  const url = await openSession(gateway, 'alice');
  const socket = await openSocket(url, { perMessageDeflate: true });
  expect(socket.raw.extensions).toBe('');
  const offer = ['Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits'];
  const peer = await openRawPeer(`${sync}/v2/sync/init/alice/000`, offer);
  expect(peer.head).toMatch(/^HTTP\/1\.1 101 /);
  expect(peer.head).not.toMatch(/extensions/i);
});

const faultyFrames: [what: string, bytes: Buffer, code: number][] = [
  ['a frame without a mask', Buffer.from([0x81, 0x01, 0x61]), 1002],
  ['RSV1', frame(0xc1, 'x'), 1002],
  ['RSV2', frame(0xa1, 'x'), 1002],
  ['RSV3', frame(0x91, 'x'), 1002],
  ['an unknown opcode', frame(0x83, 'x'), 1002],
  ['a ping of 126 bytes', frame(0x89, Buffer.alloc(126)), 1002],
  ['a fragmented ping', frame(0x09, 'x'), 1002],
  ['a continuation of nothing', frame(0x80, 'x'), 1002],
  ['a close of one byte', frame(0x88, 'x'), 1002],
  ['a close with a reserved code', frame(0x88, Buffer.from([1005 >> 8, 1005 & 0xff])), 1002],
  ['text that is not UTF-8', frame(0x81, Buffer.from([0xc3, 0x28])), 1007],
  ['text with a lone surrogate', frame(0x81, Buffer.from([0xed, 0xa0, 0x80])), 1007],
];

test('W14 protocol violations are closed 1002, invalid UTF-8 1007', async () => {
  const services = await startAttackedServices();
  const bystander = await openSocket(await openSession(services.gateway, 'alice'));
  const shown = await nextUrl(bystander);
  for (const [index, [what, bytes, code]] of faultyFrames.entries()) {
    const peer = await openRawPeer(`${services.sync}/v2/sync/init/alice/${index}`);
    peer.socket.write(bytes);
    expect([what, await peer.closed]).toEqual([what, code]);
  }
  await pair(shown, phone, goodPassword);
  expect([await bystander.next(), await bystander.next()]).toEqual(['201- pause', '200- ack']);
});

test('W16 half-open connection: a peer that answers no ping is dropped within 30 s, one that answers is kept', async () => {
  const services = await startAttackedServices({ set: ['sync.session_sleep_timeout=1h'] });
  const alive = await openSocket(`${services.sync}/v2/sync/init/alice/alive`);
  const silent = await openRawPeer(`${services.sync}/v2/sync/init/alice/silent`);
  const deaf = await openRawPeer(`${services.sync}/v2/sync/init/alice/deaf`);
  await deaf.frame(1);
  deaf.socket.pause();
  services.clock.advance(15_000);
  await alive.settled();
  // It still speaks, which is not the same as answering.
  await silent.frame(9);
  silent.socket.write(frame(0x89));
  await silent.frame(0xa);
  services.clock.advance(15_000);
  expect(await silent.closed).toBeUndefined();
  deaf.socket.resume();
  expect(await deaf.closed).toBeUndefined();
  await alive.settled();
  expect(alive.raw.readyState).toBe(alive.raw.OPEN);
  // The session is free for a new socket.
  await nextUrl(await openSocket(`${services.sync}/v2/sync/init/alice/silent`));
});

test('W16 a peer that does not answer a close is dropped within 30 s', async () => {
  const services = await startAttackedServices({
    set: ['sync.session_sleep_timeout=1s', 'sync.session_change_limit=1'],
  });
  const peers: RawPeer[] = [];
  for (const path of ['init/alice/000', `pause/alice/${unknownId}`]) {
    peers.push(await openRawPeer(`${services.sync}/v2/sync/${path}`));
  }
  services.clock.advance(1_000);
  for (const peer of peers) await peer.frame(8);
  for (const peer of peers) expect(peer.socket.destroyed).toBe(false);
  services.clock.advance(15_000);
  services.clock.advance(14_000);
  for (const peer of peers) await peer.closed;
});

test('W16 ping flood: a peer that does not read the pongs is dropped, with a bounded buffer', async () => {
  const services = await startAttackedServices();
  const peer = await openRawPeer(`${services.sync}/v2/sync/init/alice/000`);
  await peer.frame(1);
  peer.socket.pause();
  const pings = Buffer.concat(Array<Buffer>(10_000).fill(frame(0x89, Buffer.alloc(125))));
  const closed = peer.closed;
  let gone = false;
  peer.socket.once('error', () => {
    gone = true;
  });
  // Far more than the system's own buffers hold.
  for (let sent = 0; sent < 40 && !gone; sent++) {
    await new Promise<void>((resolve) => peer.socket.write(pings, () => resolve()));
  }
  expect(gone).toBe(true);
  await closed;
  await expectService(services);
});
