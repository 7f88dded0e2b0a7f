// `swob verify` against the stubs.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startDeveloperStub } from '../../../src/stubs/developer.ts';
import { startPcrfStub } from '../../../src/stubs/pcrf.ts';
import { startPublisherStub } from '../../../src/stubs/publisher.ts';
import { startUsersStub } from '../../../src/stubs/users.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { createCli, createSteppingClock } from '../harness.ts';

const at = { host: '127.0.0.1', port: 0 };
const json = { 'content-type': 'application/json', 'user-agent': 'test' };

async function startPublisher() {
  const stub = await startPublisherStub(at);
  onTestFinished(() => stub.close());
  const publish = (message: string) =>
    fetch(`${stub.url}/publish`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ MSISDN: '+237650393369', message }),
    });
  return { ...stub, publish };
}

/** Every wait ends with the next turn of the event loop. */
async function verify(...args: string[]) {
  const cli = createCli({ clock: createSteppingClock() });
  const code = await cli.swob('verify', ...args);
  return { code, out: cli.out.text, err: cli.err.text };
}

test('exits with 0 when the stub has received what is expected', async () => {
  const { url, publish } = await startPublisher();
  await publish('Hello Bob');
  const received = ['--received', 'message~=Hello', '--received', 'MSISDN=+237650393369'];
  expect(await verify(url, ...received, '--times', '1')).toEqual({
    code: 0,
    out: 'expected exactly 1 request with message~=Hello and MSISDN=+237650393369: 1 of 1 received\n',
    err: '',
  });
});

test('exits with 1 and lists what came instead', async () => {
  const { url, publish } = await startPublisher();
  await publish('Goodbye');
  const { code, err } = await verify(url, '--received', 'message~=Hello');
  expect(code).toBe(1);
  expect(err).toContain('expected at least 1 request with message~=Hello: 0 of 1 received');
  expect(err).toContain(
    'not message~=Hello: POST /publish 200 {"MSISDN":"+237650393369","message":"Goodbye"}',
  );
  const tooMany = await verify(url, '--times', '0');
  expect(tooMany).toMatchObject({ code: 1, err: expect.stringContaining('matches       POST /publish 200') });
});

test('--json, --junit and --reset', async () => {
  const { url, publish } = await startPublisher();
  const junit = join(temporaryFolder(), 'report.xml');
  await publish('<Hello> "Bob" & \u0001');
  const failed = await verify(url, '--received', 'message=Hello', '--json', '--junit', junit);
  expect(JSON.parse(failed.out)).toMatchObject({
    ok: false,
    matched: [],
    others: [{ path: '/publish', status: 200, unmet: ['message=Hello'] }],
  });
  const report = readFileSync(junit, 'utf8');
  expect(report).toContain('<testsuite name="swob verify" tests="1" failures="1">');
  expect(report).toContain('&lt;Hello&gt;');
  expect(report).not.toContain('\u0001');
  expect(await verify(url, '--received', 'path=/publish', '--junit', junit, '--reset')).toMatchObject({
    code: 0,
  });
  expect(readFileSync(junit, 'utf8')).toContain('failures="0"');
  expect(await verify(url, '--times', '0')).toMatchObject({ code: 0 });
  await publish('again');
  expect(await verify(url, '--reset')).toEqual({ code: 0, out: '', err: '' });
  expect(await verify(url, '--times', '0')).toMatchObject({ code: 0 });
});

test('reads a journal as large as a stub keeps', async () => {
  const { url, publish } = await startPublisher();
  for (let count = 0; count < 9; count++) await publish(`${count}`.padEnd(1_000_000, '.'));
  expect(await verify(url, '--received', 'message~=^8', '--times', '1')).toMatchObject({ code: 0, err: '' });
});

test('--within waits for a request, and for --times 0 until the end', async () => {
  const { url, publish, journal } = await startPublisher();
  const waiting = verify(url, '--received', 'message=late', '--within', '60s');
  await publish('late');
  expect(await waiting).toMatchObject({ code: 0 });
  journal.clear();
  expect(await verify(url, '--times', '0', '--within', '150ms')).toMatchObject({ code: 0 });
  const absent = await verify(url, '--received', 'message=never', '--within', '100ms');
  expect(absent).toMatchObject({ code: 1 });
});

test('every stub has a journal, without passwords and keys', async () => {
  const stubs = await Promise.all([
    startUsersStub({ ...at, users: new Map([['alice', 'secret']]) }),
    startDeveloperStub(at),
    startPcrfStub(at),
  ]);
  onTestFinished(() => void Promise.all(stubs.map((stub) => stub.close())));
  const [users, developer, pcrf] = stubs;
  const post = (url: string, body: object) =>
    fetch(url, { method: 'POST', headers: json, body: JSON.stringify(body) });
  await post(`${users.url}/v2/users/alice/verify`, { password: 'secret' });
  await post(`${developer.url}/v1/authenticate`, { auth_id: 'dev', auth_key: 'secret' });
  await fetch(`${pcrf.url}/account/disconnect?session=1&mac=FC`);
  expect(
    await verify(users.url, '--received', 'path~=alice/verify', '--received', 'status=200'),
  ).toMatchObject({ code: 0 });
  expect(await verify(developer.url, '--received', 'auth_id=dev', '--times', '1')).toMatchObject({ code: 0 });
  expect(await verify(pcrf.url, '--received', 'session=1', '--received', 'mac=FC')).toMatchObject({
    code: 0,
  });
  for (const stub of stubs) expect(JSON.stringify(stub.journal.all())).not.toContain('secret');
});

test('refuses what is not a stub and no condition', async () => {
  expect(await verify('127.0.0.1:9200')).toMatchObject({ code: 64 });
  expect(await verify('http://127.0.0.1:1', '--received', 'message')).toMatchObject({
    code: 64,
    err: expect.stringContaining('field~=pattern'),
  });
  expect(await verify('http://127.0.0.1:1')).toEqual({
    code: 69,
    out: '',
    err: 'swob: no stub at http://127.0.0.1:1; start it with `swob stub`, or name another one with <url>\n',
  });
});
