// `swob disconnect` against a simulated service.

import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { privatePem, rs256, sampleClaims, sampleTime } from '../../crypto/token-builder.ts';
import { configFile } from '../../support/config-files.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { runCommand } from '../command-line.ts';

const token = rs256(sampleClaims);
const clock = createFakeClock(sampleTime);
const session = [
  ...['--session', '5692549928996307964', '--nas-ip', '100.112.0.1'],
  ...['--vrf', '1', '--mac', 'FC-45-96-5F-50-AC'],
];

interface FakeService {
  readonly port: number;
  readonly url: string;
  readonly requests: { readonly line: string; readonly authorization: string | undefined }[];
}

async function startService(
  respond: (response: ServerResponse, request: IncomingMessage) => void,
): Promise<FakeService> {
  const requests: FakeService['requests'] = [];
  const server = createServer((request, response) => {
    requests.push({
      line: `${request.method} ${request.url}`,
      authorization: request.headers.authorization,
    });
    request.resume();
    respond(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { port, url: `http://127.0.0.1:${port}`, requests };
}

const json =
  (status: number, body: object, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify(body));
const success = json(200, { success: true });

async function privateKeyFile(): Promise<string> {
  const file = join(temporaryFolder(), 'private.pem');
  await writeFile(file, privatePem, { mode: 0o600 });
  return file;
}

describe('with a token', () => {
  test.each(['0.0.0.0', '127.0.0.1'])('calls the service of the configuration (host %s)', async (host) => {
    const service = await startService(success);
    const config = ['-c', configFile(`[disconnect]\nhost = ${host}\nport = ${service.port}\n`)];
    const called = await runCommand([...config, 'disconnect', '--token', '-'], { stdin: `${token}\n` });
    expect(called).toEqual({ exit: 0, stdout: '{"success":true}\n', stderr: '' });
    // Only in the header, because proxies log URLs.
    expect(service.requests).toEqual([{ line: 'POST /disconnect', authorization: `Bearer ${token}` }]);
  });

  test.each(['', '/', '/disconnect', '/disconnect/'])(
    'calls the service at --url with path "%s"',
    async (path) => {
      const service = await startService(success);
      const called = await runCommand(['disconnect', '--url', `${service.url}${path}`], {
        env: { SWOB_TOKEN: token },
      });
      expect(called).toMatchObject({ exit: 0, stderr: '' });
      expect(service.requests).toMatchObject([
        { line: 'POST /disconnect', authorization: `Bearer ${token}` },
      ]);
    },
  );

  test('accepts the output of jwt mint through a pipe, and a token argument with a note', async () => {
    const service = await startService(success);
    const minted = await runCommand(['jwt', 'mint', '--key', await privateKeyFile(), ...session], { clock });
    const piped = ['disconnect', '--url', service.url, '--token', '-'];
    expect(await runCommand(piped, { stdin: minted.stdout })).toMatchObject({ exit: 0 });
    expect(service.requests[0]?.authorization).toBe(`Bearer ${minted.stdout.trim()}`);
    const inArgv = await runCommand(['disconnect', '--url', service.url, '--token', token]);
    expect(inArgv).toMatchObject({
      exit: 0,
      stderr: expect.stringContaining('can see --token on the command line'),
    });
    expect(inArgv.stderr).not.toContain(token);
  });

  test.each(['a\r\nX-Evil: 1', 'a b', 'é', 'A'.repeat(8_193)])(
    '%j is a data error and is not sent',
    async (stdin) => {
      const service = await startService(success);
      const called = await runCommand(['disconnect', '--url', service.url, '--token', '-'], { stdin });
      expect(called).toMatchObject({ exit: 65, stdout: '' });
      expect(service.requests).toEqual([]);
    },
  );
});

test('with a session and a key it signs a token and calls the service', async () => {
  const service = await startService(success);
  const key = ['--key', await privateKeyFile()];
  const argv = [
    'disconnect',
    '--url',
    service.url,
    ...key,
    ...session,
    '--sub',
    'user',
    '--auth',
    'ROLE_ADMIN',
  ];
  // A token in the environment is ignored.
  expect(await runCommand(argv, { clock, env: { SWOB_TOKEN: 'other' } })).toMatchObject({
    exit: 0,
    stderr: '',
  });
  const sent = service.requests[0]?.authorization?.split('.')[1] ?? '';
  expect(JSON.parse(Buffer.from(sent, 'base64url').toString())).toEqual({
    ...sampleClaims,
    iat: 1_559_300_000,
    exp: 1_559_372_000,
  });
});

describe('a wrong command line', () => {
  test.each([
    [['--token', '@t', '--session', '1'], '--token and --session exclude each other'],
    [['--token', '@t', '--key', 'k', '--nas-ip', 'x'], '--token and --key, --nas-ip exclude each other'],
    [['--token', '@t', '--alg', 'RS256'], '--token and --alg exclude each other'],
    [['--token', '@t', '--claim', 'a=1'], '--token and --claim exclude each other'],
    [['--key', 'k', '--session', '1', '--mac', 'x'], '--nas-ip, --vrf missing: required to sign a token'],
    [session, '--key missing: required to sign a token'],
    [[], '--token is missing: pass --token @file or - (stdin), or set SWOB_TOKEN'],
    [['--token', '-', '--url', 'ftp://x'], '--url ftp://x: expected a URL'],
  ])('%j', async (options, message) => {
    const { exit, stdout, stderr } = await runCommand(['disconnect', ...options], { stdin: token });
    expect([exit, stdout, stderr]).toEqual([64, '', expect.stringContaining(message)]);
  });
});

describe('the answer', () => {
  const call = async (
    respond: (response: ServerResponse, request: IncomingMessage) => void,
    ...options: string[]
  ) => {
    const { url } = await startService(respond);
    return runCommand([...options, 'disconnect', '--url', url, '--token', '-'], { stdin: token });
  };

  test('a success with what RADIUS could not do is printed with it', async () => {
    const body = { success: true, not_done: ['the MAC address was not removed from the NAS'] };
    const { exit, stdout } = await call(json(200, body));
    expect([exit, JSON.parse(stdout)]).toEqual([0, body]);
  });

  test.each([
    [401, 'token refused: expired'],
    [502, 'the PCRF failed'],
    [504, 'the PCRF did not answer in time'],
    [200, 'the same with legacy_status'],
  ])('a rejection with status %i exits with 1 and says why', async (status, fail) => {
    const refused = json(status, { success: false, fail });
    expect(await call(refused)).toEqual({ exit: 1, stdout: '', stderr: `swob: not disconnected: ${fail}\n` });
    const asJson = await call(refused, '--json');
    expect(JSON.parse(asJson.stdout)).toEqual({ success: false, fail });
    expect(JSON.parse(asJson.stderr)).toEqual({
      error: { code: 'REFUSED', message: `not disconnected: ${fail}` },
    });
  });

  test.each([
    [503, 'no connection was free'],
    [429, 'too many disconnects'],
  ])('a busy service (%i) exits with 75', async (status, fail) => {
    const busy = json(status, { success: false, fail }, { 'retry-after': '7' });
    expect(await call(busy)).toMatchObject({
      exit: 75,
      stderr: `swob: not disconnected: ${fail}; try again in 7 s\n`,
    });
  });

  test('with legacy_status the error code says that the service is busy', async () => {
    const busy = { success: false, fail: 'all 20 PCRF connections are busy', code: 'BUSY' };
    expect((await call(json(200, busy))).exit).toBe(75);
    const refused = { success: false, fail: 'token refused', code: 'UNAUTHENTICATED' };
    expect((await call(json(200, refused))).exit).toBe(1);
    expect(JSON.parse((await call(json(200, refused), '--json')).stdout)).toEqual(refused);
    expect((await call(json(200, { ...busy, code: 'toString' }))).exit).toBe(1);
  });

  test('terminal escapes in it are stripped', async () => {
    const { stderr } = await call(json(401, { success: false, fail: 'a\u001b[31mb\r\nc' }));
    expect(stderr).toBe('swob: not disconnected: ab c\n');
  });

  test.each<[string, (response: ServerResponse) => void]>([
    ['HTML', (response) => void response.end('<html>')],
    ['nothing', (response) => void response.end()],
    ['success of another kind', json(200, { success: 'true' })],
    ['success under an error status', json(500, { success: true })],
    ['another service', json(404, { message: 'no such route' })],
    ['a redirect', (response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
  ])('%s is not taken for success: exits with 69', async (_name, response) => {
    expect(await call(response)).toMatchObject({ exit: 69, stdout: '' });
  });
});

describe('a service that cannot be reached', () => {
  test('exits with 69 and says what to do', async () => {
    const { url } = await startService(success);
    const closed = url.replace(/\d+$/, '1');
    const called = await runCommand(['disconnect', '--url', closed, '--token', '-'], { stdin: token });
    expect(called).toMatchObject({ exit: 69, stdout: '' });
    expect(called.stderr).toContain(`no disconnect service at ${closed}; start it with \`swob serve\``);
  });

  test('or does not respond in time exits with 69', async () => {
    const { url } = await startService(() => {});
    const argv = ['disconnect', '--url', url, '--token', '-', '--timeout', '50ms'];
    expect(await runCommand(argv, { stdin: token })).toMatchObject({
      exit: 69,
      stderr: expect.stringContaining('within 0.05 s'),
    });
  });
});
