// The options --record and --replay of the stubs, with a stub in place of the real system.

import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { recordedBody, recordedRequest } from '../../../../src/cli/recording/exchange.ts';
import { startDeveloperStub } from '../../../../src/stubs/developer.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { createCli } from '../../harness.ts';

const credentials = { auth_id: 'dev', auth_key: 'very secret' };

/** Runs `swob stub developer`, while `work` calls it. */
async function runStub(args: readonly string[], work: (url: string) => Promise<void> = async () => {}) {
  const cli = createCli();
  const ended = cli.swob('stub', 'developer', '--port', '0', ...args);
  await Promise.race([cli.out.until('ready at'), ended]);
  const url = /http:\S+/.exec(cli.out.text)?.[0];
  if (url !== undefined) await work(url);
  cli.signals.emit('SIGTERM');
  return { code: await ended, err: cli.err.text };
}

async function post(url: string, body: object, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': 'test', ...headers },
    body: JSON.stringify(body),
  });
  const cookie = response.headers.get('set-cookie');
  return { status: response.status, text: await response.text(), cookie };
}

test('records exchanges with a real system without its secrets, and replays them', async () => {
  const real = await startDeveloperStub({
    host: '127.0.0.1',
    port: 0,
    developers: new Map([['dev', credentials.auth_key]]),
    numbers: new Map([['+237650393369', 'alice']]),
  });
  onTestFinished(() => real.close());
  const folder = join(temporaryFolder(), 'recording');
  const recorded = await runStub(['--record', folder, '--upstream', real.url], async (url) => {
    const { status, cookie } = await post(`${url}/v1/authenticate`, credentials);
    expect(status).toBe(200);
    const user = await post(
      `${url}/users`,
      { phone_number: '+237650393369' },
      { cookie: String(cookie).split(';')[0] ?? '' },
    );
    expect(user).toMatchObject({ status: 200, text: '{"user_id":"alice"}' });
    expect(await post(`${url}/users`, { phone_number: '+237650000000' })).toMatchObject({ status: 401 });
  });
  expect(recorded.code).toBe(143);
  const files = readdirSync(folder).sort();
  expect(files).toEqual(['000001.json', '000002.json', '000003.json']);
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('');
  expect(texts).not.toContain('very secret');
  expect(texts).toMatch(/"set-cookie": \[\s*"[^"=]+=\*\*\*;/);

  await real.close();
  const replayed = await runStub(['--replay', folder], async (url) => {
    const signedIn = await post(`${url}/v1/authenticate`, { auth_key: 'another', auth_id: 'dev' });
    expect(signedIn).toMatchObject({ status: 200, cookie: expect.stringContaining('***') });
    expect(await post(`${url}/users`, { phone_number: '+237650393369' })).toMatchObject({
      status: 200,
      text: '{"user_id":"alice"}',
    });
  });
  expect(replayed).toMatchObject({ code: 0, err: '' });

  const unknown = await runStub(['--replay', folder], async (url) => {
    expect(await post(`${url}/users`, { phone_number: '+237699999999' })).toMatchObject({ status: 404 });
  });
  expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('not in the recording') });
  expect(unknown.err).toContain('+237699999999');
});

test('a text is replayed as it came, also when it is JSON', async () => {
  const texts = ['"ok"', '1.50', 'true', 'plain', ''];
  const real = createServer((_, response) => void response.end(texts[count++]));
  let count = 0;
  await once(real.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void real.close());
  const address = real.address();
  const upstream = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const folder = join(temporaryFolder(), 'recording');
  const call = async (url: string): Promise<void> => {
    for (const text of texts)
      expect(await post(`${url}/users`, {}, { connection: 'close' })).toMatchObject({ text });
  };
  await runStub(['--record', folder, '--upstream', upstream], call);
  expect(await runStub(['--replay', folder], call)).toMatchObject({ code: 0 });
});

test('numbers keep all of their digits, in requests and responses', async () => {
  const texts = [
    '{"id":9007199254740993,"list":[1.5,-123456789012345678,0.12345678901234567890]}',
    '[{"text":"\\"9007199254740993\\"","max":1e999,"ok":9007199254740991}]',
  ];
  const real = createServer((_, response) => void response.end(texts[count++]));
  let count = 0;
  await once(real.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void real.close());
  const address = real.address();
  const upstream = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const folder = join(temporaryFolder(), 'recording');
  const headers = { 'content-type': 'application/json', connection: 'close' };
  const users = async (url: string, body: string): Promise<string> =>
    (await fetch(`${url}/users`, { method: 'POST', headers, body })).text();
  await runStub(['--record', folder, '--upstream', upstream], async (url) => {
    expect(await users(url, '{"id":9007199254740993,"n":1}')).toBe(texts[0]);
    expect(await users(url, '{"id":9007199254740995,"n":1}')).toBe(texts[1]);
  });
  const replayed = await runStub(['--replay', folder], async (url) => {
    expect(await users(url, '{"n":1,"id":9007199254740995}')).toBe(texts[1]);
    expect(await users(url, '{"n":1,"id":9007199254740993}')).toBe(texts[0]);
    expect(await users(url, '{"n":1,"id":9007199254740992}')).toContain('not in the recording');
  });
  expect(replayed.err).toContain('9007199254740992');
});

test('a real system whose response is too large, or ends too early, is a 502 that says so', async () => {
  const real = createServer((request, response) => {
    if (request.url === '/large') return void response.end('x'.repeat(2 * 1024 * 1024));
    response.writeHead(200, { 'content-length': 100 }).write('half', () => response.destroy());
  });
  await once(real.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void real.close());
  const address = real.address();
  const upstream = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const folder = join(temporaryFolder(), 'recording');
  await runStub(['--record', folder, '--upstream', upstream], async (url) => {
    for (const [path, text] of [
      ['/large', 'over limit'],
      ['/short', 'no usable response'],
    ])
      expect(await post(`${url}${path}`, {}, { connection: 'close' })).toMatchObject({
        status: 502,
        text: expect.stringContaining(text ?? ''),
      });
  });
});

test('equal requests get their responses in order, and the last one again', async () => {
  const folder = temporaryFolder();
  for (const [index, status] of [200, 500].entries()) {
    const exchange = {
      request: { method: 'POST', path: '/users', query: {}, body: { phone_number: '1' } },
      response: { status, headers: {}, body: { user_id: `user${index}` } },
    };
    writeFileSync(join(folder, `${index}.json`), JSON.stringify(exchange));
  }
  await runStub(['--replay', folder], async (url) => {
    const statuses = [];
    for (let count = 0; count < 3; count++)
      statuses.push((await post(`${url}/users`, { phone_number: '1' })).status);
    expect(statuses).toEqual([200, 500, 500]);
  });
});

test('no secret is kept at any depth, nor in a query', () => {
  const body = Buffer.from('[{"login":{"password":"very secret","user":"alice"}}]');
  const request = { method: 'POST', url: '/login?token=very+secret&lang=en' };
  const kept = JSON.stringify([recordedRequest({ request, body }), recordedBody(body)]);
  expect(kept).not.toContain('secret');
  expect(kept).toContain('alice');
  expect(kept).toContain('"lang":"en"');
});

test('a real system that does not respond is a 502', async () => {
  const folder = join(temporaryFolder(), 'recording');
  await runStub(['--record', folder, '--upstream', 'http://127.0.0.1:1'], async (url) => {
    expect(await post(`${url}/users`, { phone_number: '1' })).toMatchObject({ status: 502 });
  });
});

test.each([
  [['--record', 'x'], '--record needs --upstream'],
  [['--upstream', 'http://127.0.0.1:1'], '--upstream needs --record'],
  [['--record', 'x', '--upstream', 'http://127.0.0.1:1', '--replay', 'y'], 'exclude each other'],
  [['--replay', '/nowhere'], 'cannot replay /nowhere'],
  [['--record', '/proc', '--upstream', 'http://127.0.0.1:1'], 'cannot record into /proc'],
  [['--record', 'x', '--upstream', 'ftp://a'], 'Expected an http or https URL'],
  [['--record', 'x', '--upstream', 'http://a:b@localhost'], "'http://…@localhost' is invalid"],
  [['--record', 'x', '--upstream', 'http://localhost?key=b'], "'http://localhost?…' is invalid"],
])('refuses %j', async (args, message) => {
  const { code, err } = await runStub(args);
  expect(code).toBe(64);
  expect(err).toContain(message);
});

test('refuses a folder with another file, and one without', async () => {
  const folder = temporaryFolder();
  expect(await runStub(['--replay', folder])).toMatchObject({
    code: 64,
    err: expect.stringContaining('no recording'),
  });
  writeFileSync(join(folder, 'a.json'), '{}');
  expect(await runStub(['--replay', folder])).toMatchObject({
    code: 64,
    err: expect.stringContaining('not an exchange'),
  });
});
