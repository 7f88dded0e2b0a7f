// Idle connections, more than the process may open: they are evicted, and nothing else is. docs/protocol.md, "Load before
// authentication".

import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createErrorLoggingClock } from '../../src/app/error-logging-clock.ts';
import { absentSystemSettings } from '../support/absent-systems.ts';
import { startProcess, swobScript } from '../support/binary.ts';
import { startDisconnect } from '../support/disconnect.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { createMemoryLog } from '../support/log.ts';
import { get, openSession, post } from '../support/phone.ts';
import { openSocket } from '../support/socket.ts';
import { startAttackedServices } from './attacked-services.ts';
import { connectTo } from './raw.ts';

const seed = { IMSI: '624013000000000', MSISDN: '+237671234567', seed_type: 'seed' };

test('C7 connection flood: more idle connections than open files are allowed end neither the process nor its service', async () => {
  const cwd = temporaryFolder();
  const readyFile = join(mkdtempSync(join(cwd, 'ready-')), 'ready.json');
  const limited = ['-c', 'ulimit -n 256; exec "$0" "$@"', process.execPath, swobScript];
  const settings = [...(await absentSystemSettings()), 'api.port=0', 'websocket.port=0', 'limits.pings=off'];
  const set = [...settings.flatMap((setting) => ['--set', setting]), '--ready-file', readyFile];
  const swob = startProcess('sh', [...limited, 'serve', 'gateway', 'sync', ...set], { cwd });
  await swob.waitForOutput('stdout', 'sync ready at ');
  const { gateway, sync } = JSON.parse(readFileSync(readyFile, 'utf8'));
  const ping = () => post(`${gateway.url}/seeds/ping`, seed);
  expect((await ping()).status).toBe(200);
  for (let n = 0; n < 400; n++) await connectTo(n % 2 ? gateway.url : sync.url);
  // Two sampling intervals: sampling the memory once threw in a timer.
  const until = performance.now() + 600;
  while (performance.now() < until) expect((await ping()).status).toBe(200);
  const { text } = await get(`${gateway.url}/metrics`);
  expect(text).toMatch(/^swob_client_connections_closed_total\{reason="idle"\} [1-9]/m);
  expect(Number(/^swob_client_connections (\d+)$/m.exec(text)?.[1])).toBeLessThanOrEqual(160);
  swob.kill('SIGTERM');
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
});

test('websockets and running requests are never evicted; the connections idle the longest are evicted first', async () => {
  const services = await startAttackedServices({ maxConnections: 20 });
  const showing = [];
  for (let n = 0; n < 5; n++) {
    const socket = await openSocket(await openSession(services.gateway, 'alice'));
    await socket.next();
    showing.push(socket);
  }
  const under = await connectTo(services.gateway);
  under.write(
    'POST /seeds/ping HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n',
  );
  const idle = [];
  for (let n = 0; n < 40; n++) {
    services.clock.advance(10);
    idle.push(await connectTo(services.gateway));
  }
  expect((await post(`${services.gateway}/seeds/ping`, seed)).status).toBe(200);
  const [oldest] = idle;
  if (oldest && !oldest.destroyed) await new Promise((resolve) => oldest.once('close', resolve));
  expect(idle.at(-1)?.destroyed).toBe(false);
  under.write(JSON.stringify(seed).padEnd(90));
  const [answer] = await once(under, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
  for (const socket of showing) expect(socket.unread).toEqual([]);
  services.clock.advance(15_000);
  for (const socket of showing) expect(JSON.stringify(await socket.next())).toContain('qr_url');
});

test('L11 slow bodies: requests whose bodies do not arrive keep no others out', async () => {
  const services = await startAttackedServices({ maxConnections: 20 });
  const held = [];
  for (let n = 0; n < 20; n++) {
    services.clock.advance(10);
    const socket = await connectTo(services.gateway);
    held.push(socket);
    socket.write(
      'POST /seeds/ping HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 90\r\nExpect: 100-continue\r\n\r\n',
    );
    // Its headers have been read.
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 100 /);
  }
  expect((await post(`${services.gateway}/seeds/ping`, seed)).status).toBe(200);
  const [oldest] = held;
  if (oldest && !oldest.destroyed) await once(oldest, 'close');
  const newest = held.at(-1);
  newest?.write(JSON.stringify(seed).padEnd(90));
  expect(String((await once(newest ?? process, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /);
  expect(services.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

test('header flood: incomplete headers take at most 32 MB over all connections', async () => {
  const service = await startDisconnect();
  const head = `GET /disconnect?token=${'x'.repeat(250_000)}`;
  const sockets = [];
  for (let n = 0; n < 200; n++) {
    const socket = await connectTo(service.url);
    sockets.push(socket);
    socket.write(head);
    // A later response shows that it has been read.
    if (n % 20 === 0) expect((await get(`${service.url}/livez`)).status).toBe(200);
  }
  const { text } = await get(`${service.url}/metrics`);
  expect(text).toMatch(/^swob_client_connections_closed_total\{reason="headers"\} [1-9]/m);
  expect((await get(`${service.url}/livez`)).status).toBe(200);
});

test('header flood: requests whose bodies never arrive hold at most 32 MB of headers over all connections', async () => {
  const service = await startDisconnect();
  const late = 'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n';
  const head = `POST /disconnect?x=${'x'.repeat(250_000)} HTTP/1.1\r\nHost: x\r\n${late}`;
  for (let n = 0; n < 200; n++) {
    const socket = await connectTo(service.url);
    socket.write(head);
    if (n % 20 === 0) expect((await get(`${service.url}/livez`)).status).toBe(200);
  }
  const { text } = await get(`${service.url}/metrics`);
  expect(text).toMatch(/^swob_client_connections_closed_total\{reason="headers"\} [1-9]/m);
  expect((await get(`${service.url}/livez`)).status).toBe(200);
});

test('consecutive requests of one connection hold nothing, however large they are in total', async () => {
  const service = await startDisconnect();
  const socket = await connectTo(service.url);
  const head = `GET /nothing?x=${'x'.repeat(250_000)} HTTP/1.1\r\nHost: x\r\n\r\n`;
  let responses = 0;
  socket.on('data', (data: Buffer) => {
    responses += String(data).split('HTTP/1.1 404').length - 1;
  });
  socket.write(head);
  // A request is always running, so that the connection is never idle.
  for (let n = 1; n < 150; n++) {
    socket.write(head);
    while (responses < n) await once(socket, 'data');
  }
  expect(socket.destroyed).toBe(false);
});

test('an exception in a timer, synchronous or not, is logged and does not end the process', async () => {
  const [clock, log] = [createFakeClock(), createMemoryLog()];
  const guarded = createErrorLoggingClock(clock, log);
  const fail = (): void => {
    throw new Error('EMFILE: too many open files');
  };
  guarded.after(1, fail);
  guarded.every(1, fail);
  guarded.after(1, async () => Promise.reject(new Error('later')));
  clock.advance(2);
  await new Promise((resolve) => setImmediate(resolve));
  const errors = log.lines.map(({ level, fields }) => [level, fields]);
  expect(errors).toHaveLength(4);
  expect(errors).toContainEqual(['error', { error: 'later' }]);
});
