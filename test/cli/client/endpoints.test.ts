import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { gatewayEndpoint } from '../../../src/cli/client/endpoints.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { createCli } from '../harness.ts';

const configOf = (...overrides: string[]) =>
  loadConfig({ files: ['/dev/null'], setOptions: overrides, env: {} }).config;

/** A self-signed certificate for a name that is not the address called. */
function makeCertificate(): { crt: string; key: string } {
  const folder = temporaryFolder();
  const [crt, key] = [join(folder, 'crt.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=gateway.example', '-addext', 'subjectAltName=DNS:gateway.example'];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...newKey, ...subject, '-keyout', key, '-out', crt], {
    stdio: 'ignore',
  });
  return { crt, key };
}

/** Responds to /seeds with an empty list, and acks every websocket immediately. */
async function startTls({ crt, key }: { crt: string; key: string }): Promise<number> {
  const server = createServer({ cert: readFileSync(crt), key: readFileSync(key) }, (_request, response) =>
    response.end('[]'),
  );
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.send('200- ack'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    sockets.close();
    server.close();
    server.closeAllConnections();
  });
  // Safe cast: a server that listens on TCP has such an address.
  return (server.address() as AddressInfo).port;
}

describe('the address of the gateway', () => {
  test.each([
    [[], undefined, 'http://127.0.0.1:6969'],
    [['api.host=10.0.0.1', 'api.port=7000'], undefined, 'http://10.0.0.1:7000'],
    [['api.host=0.0.0.0'], undefined, 'http://127.0.0.1:6969'],
    [['api.host=::'], undefined, 'http://127.0.0.1:6969'],
    [['api.host=::1'], undefined, 'http://[::1]:6969'],
    [['api.port=7000'], 'https://gw.example/base/', 'https://gw.example/base'],
  ])('by %j and --url %s is %s', async (overrides, url, baseUrl) => {
    expect(await gatewayEndpoint(configOf(...overrides), url)).toEqual({ baseUrl });
  });
});

describe('a --url of which a part would be dropped', () => {
  test.each([
    ['http://alice:secret@gw.example/', '…@gw.example/'],
    ['https://secret@gw.example', '…@gw.example'],
    ['http://gw.example/base?token=secret', 'http://gw.example/base?…'],
    ['http://gw.example#secret', 'http://gw.example?…'],
    ['ftp://gw.example/?token=secret', 'ftp://gw.example/?…'],
  ])('is refused without its secrets: %s', async (url, shown) => {
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--url', url)).toBe(64);
    expect(cli.err.text).toContain(`${shown}: expected a URL`);
    expect(cli.err.text).toContain('without user, password and query');
    expect(cli.err.text).not.toContain('secret');
  });
});

describe('with TLS', () => {
  const ssl = ({ crt, key }: { crt: string; key: string }, section: string): string[] => [
    ...['--set', `${section}.crt=${crt}`],
    ...['--set', `${section}.key=${key}`],
  ];

  test('the certificate of the configuration is trusted, whatever name it bears', async () => {
    const own = makeCertificate();
    const port = await startTls(own);
    const cli = createCli();
    expect(
      await cli.swob('seeds', 'list', '--json', '--set', `api.port=${port}`, ...ssl(own, 'api_ssl')),
    ).toBe(0);
    expect(cli.values()).toEqual([[]]);
    const url = `wss://127.0.0.1:${port}/v2/sync/init/111/000`;
    expect(await createCli().swob('sync', 'qr', 'alice', '--url', url, ...ssl(own, 'websocket_ssl'))).toBe(0);
  });

  test('it is trusted at --url as well', async () => {
    const own = makeCertificate();
    const url = `https://127.0.0.1:${await startTls(own)}`;
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--json', '--url', url, ...ssl(own, 'api_ssl'))).toBe(0);
    expect(cli.values()).toEqual([[]]);
    expect(await createCli().swob('seeds', 'list', '--url', url)).toBe(69);
    expect(await createCli().swob('seeds', 'list', '--url', url, ...ssl(makeCertificate(), 'api_ssl'))).toBe(
      69,
    );
  });

  test('no other certificate is', async () => {
    const port = await startTls(makeCertificate());
    const own = makeCertificate();
    const cli = createCli();
    expect(await cli.swob('seeds', 'list', '--set', `api.port=${port}`, ...ssl(own, 'api_ssl'))).toBe(69);
    expect(cli.err.text).toContain('certificate');
    const url = `wss://127.0.0.1:${port}/v2/sync/init/111/000`;
    expect(await createCli().swob('sync', 'qr', 'alice', '--url', url)).toBe(69);
  });

  test('a certificate file that is not there is a configuration error', async () => {
    const files = ssl({ crt: '/nowhere.crt', key: '/nowhere.key' }, 'api_ssl');
    expect(await createCli().swob('seeds', 'list', ...files)).toBe(78);
  });
});
