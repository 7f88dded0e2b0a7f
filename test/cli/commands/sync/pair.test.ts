import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { oaepDecrypt, oaepEncrypt } from '../../../../src/crypto/oaep.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { createCli, type FakeResponse, type Request, startGateway, startSync } from '../../harness.ts';

const sharedKey = '0123456789abcdef0123456789abcdef';
const session = '/v2/sync/users/alice/sessions/1';
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();

type Overrides = Partial<Record<'handshake' | 'verify', (request: Request) => FakeResponse | undefined>>;

/** A gateway and a sync websocket that pair every phone with the right password. */
async function startPairing(overrides: Overrides = {}, silent = false) {
  let socket: WebSocket | undefined;
  let phoneKey = '';
  const notify = (text: string): void => {
    if (!silent) socket?.send(text);
  };
  const sync = await startSync((connected) => {
    socket = connected;
    connected.send(JSON.stringify({ qr_url: `${gateway.url}${session}/handshake`, mobile_url: 'app://x' }));
  });
  const gateway = await startGateway((request) => {
    if (request.method === 'GET') return { body: `${sync}/v2/sync/init/alice/1` };
    const body: { public_key?: string; password?: string } = JSON.parse(request.body);
    if (request.path === `${session}/handshake`) {
      phoneKey = body.public_key ?? '';
      notify('201- pause');
      const response = { body: JSON.stringify({ public_key: pem, verification_url: session }) };
      return overrides.handshake?.(request) ?? response;
    }
    const password = oaepDecrypt(keys.privateKey, Buffer.from(body.password ?? '', 'base64'));
    if (String(password) !== 's3cret') return { status: 401, body: 'failed to authenticate' };
    notify('200- ack');
    const response = {
      shared_key: oaepEncrypt(createPublicKey(phoneKey), Buffer.from(sharedKey)).toString('base64'),
      user_platforms: [{ name: 'gmail' }],
      seeds_url: `${gateway.url}/seeds`,
    };
    return overrides.verify?.(request) ?? { body: JSON.stringify(response) };
  });
  return { ...gateway, sync };
}

const withPassword = (password = 's3cret') => createCli({ env: { SWOB_PASSWORD: password } });

describe('swob sync pair', () => {
  test('runs the whole pairing and prints the shared key', async () => {
    const { url, requests } = await startPairing();
    const cli = createCli({ stdin: 's3cret\n' });
    expect(await cli.swob('sync', 'pair', 'alice', '--password', '-', '--url', url)).toBe(0);
    expect(cli.out.text).toBe(`${sharedKey}\n`);
    expect(cli.err.text).toBe('');
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /v2/sync/users/alice',
      `POST ${session}/handshake`,
      `POST ${session}`,
    ]);
  });

  test('prints key, platforms and seeds URL with --json', async () => {
    const { url } = await startPairing();
    const cli = withPassword();
    expect(await cli.swob('sync', 'pair', 'alice', '--json', '--url', url)).toBe(0);
    expect(cli.values()).toEqual([
      { shared_key: sharedKey, user_platforms: [{ name: 'gmail' }], seeds_url: `${url}/seeds` },
    ]);
  });

  test('writes the key to --out for its owner only, replacing an older one, and not to stdout', async () => {
    const { url } = await startPairing();
    const out = join(temporaryFolder(), 'key');
    writeFileSync(out, 'old', { mode: 0o644 });
    const cli = withPassword();
    expect(await cli.swob('sync', 'pair', 'alice', '--json', '--out', out, '--url', url)).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe(`${sharedKey}\n`);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(cli.out.text + cli.err.text).not.toContain(sharedKey);
  });

  test('sends nothing when --out cannot be written, so that the key of the previous phone stays valid', async () => {
    const { url, requests } = await startPairing();
    const folder = temporaryFolder();
    for (const out of [join(folder, 'nowhere', 'key'), folder]) {
      const cli = withPassword();
      expect(await cli.swob('sync', 'pair', 'alice', '--out', out, '--url', url)).toBe(75);
      expect(cli.err.text).toContain(`cannot write ${out}: `);
    }
    expect(requests).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('does not change the --out file when the pairing fails', async () => {
    const { url } = await startPairing();
    const out = join(temporaryFolder(), 'key');
    writeFileSync(out, 'old');
    expect(await withPassword('wr0ng').swob('sync', 'pair', 'alice', '--out', out, '--url', url)).toBe(1);
    expect(readFileSync(out, 'utf8')).toBe('old');
  });

  test.each([
    ['http://', 'http://'],
    ['app://', 'http://'],
  ])('accepts what the phone scanned (%s), without a websocket', async (scheme) => {
    const { url, requests } = await startPairing();
    const scanned = `${url.replace('http://', scheme)}${session}/handshake`;
    const cli = withPassword();
    expect(await cli.swob('sync', 'pair', 'alice', '--url', scanned)).toBe(0);
    expect(cli.out.text).toBe(`${sharedKey}\n`);
    expect(requests.map(({ method }) => method)).toEqual(['POST', 'POST']);
  });

  test('accepts the URL of a sync websocket', async () => {
    const { sync, requests } = await startPairing();
    const cli = withPassword();
    expect(await cli.swob('sync', 'pair', 'alice', '--url', `${sync}/v2/sync/init/alice/1`)).toBe(0);
    expect(requests.map(({ method }) => method)).toEqual(['POST', 'POST']);
  });

  test('exits with 1 for a wrong password, which it does not print', async () => {
    const { url } = await startPairing();
    const cli = withPassword('wr0ng');
    expect(await cli.swob('sync', 'pair', 'alice', '--url', url)).toBe(1);
    expect(cli.err.text).toContain('401: failed to authenticate');
    expect(cli.err.text).not.toContain('wr0ng');
  });

  test.each([
    [400, 1],
    [409, 1],
    [429, 75],
    [502, 69],
  ])('on a handshake response of %i exits with %i', async (status, exit) => {
    const { url } = await startPairing({ handshake: () => ({ status, body: 'invalid session requested' }) });
    const cli = withPassword();
    expect(await cli.swob('sync', 'pair', 'alice', '--url', url)).toBe(exit);
    expect(cli.err.text).toContain('invalid session requested');
  });

  test.each([
    ['no object', () => ({ body: '[]' })],
    ['no key', () => ({ body: JSON.stringify({ verification_url: session }) })],
    ['a key that is none', () => ({ body: JSON.stringify({ public_key: 'x', verification_url: session }) })],
    [
      'a verification URL on another host',
      () => ({ body: JSON.stringify({ public_key: pem, verification_url: '//evil.example/x' }) }),
    ],
  ])('exits with 69 and sends no password after %s', async (_what, handshake) => {
    const { url, requests } = await startPairing({ handshake });
    expect(await withPassword().swob('sync', 'pair', 'alice', '--url', url)).toBe(69);
    expect(requests.some(({ body }) => body.includes('password'))).toBe(false);
  });

  test('exits with 69 when the shared key is encrypted for another key', async () => {
    const verify = () => ({ body: JSON.stringify({ shared_key: Buffer.alloc(256).toString('base64') }) });
    const { url } = await startPairing({ verify });
    expect(await withPassword().swob('sync', 'pair', 'alice', '--url', url)).toBe(69);
  });

  test('warns when the websocket was not notified although the phone is paired', async () => {
    let socket: WebSocket | undefined;
    const { url, sync } = await startPairing({}, true);
    const cli = withPassword();
    const closing = await startSync((connected) => {
      socket = connected;
      connected.send(JSON.stringify({ qr_url: `${url}${session}/handshake` }));
      connected.send('201- pause');
      connected.close(1000);
    });
    expect(sync).not.toBe(closing);
    expect(await cli.swob('sync', 'pair', 'alice', '--url', closing)).toBe(0);
    expect(cli.out.text).toBe(`${sharedKey}\n`);
    expect(cli.err.text).toBe('swob: paired, but the sync websocket received no ack frame\n');
    expect(socket).toBeDefined();
  });

  test('exits by the close code when the websocket closes before its first URL', async () => {
    const url = await startSync((socket) => socket.close(4404));
    expect(await withPassword().swob('sync', 'pair', 'alice', '--url', url)).toBe(1);
  });

  test('prompts for a password before it opens a session', async () => {
    const { url, requests } = await startPairing();
    const cli = createCli();
    expect(await cli.swob('sync', 'pair', 'alice', '--url', url)).toBe(64);
    expect(cli.err.text).toContain('SWOB_PASSWORD');
    expect(requests).toEqual([]);
  });
});
