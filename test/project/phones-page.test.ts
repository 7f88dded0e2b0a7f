// docs/phones.md: its nginx configuration works with a real nginx, and its fields are those that the command prints.

import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createCli } from '../cli/harness.ts';
import { startProcess } from '../support/binary.ts';
import { makeCertificate } from '../support/certificates.ts';
import { temporaryFolder } from '../support/folders.ts';
import { msisdn, startMessaging } from '../support/messaging.ts';
import { needs } from '../support/needs.ts';
import { freePorts } from '../support/ports.ts';
import { encryptAsApp } from '../support/sms.ts';

const page = readFileSync('docs/phones.md', 'utf8');
const blockOf = (language: string): string =>
  new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(page)?.[1] ?? '';

/** Writes a whole nginx.conf around the server of the page; only paths, ports and the name are replaced. */
function writeNginxConfiguration(folder: string, port: number, gateway: string): string {
  const { crt, key } = makeCertificate(folder, 'proxy', 90, '127.0.0.1');
  const server = [
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
    ['/etc/letsencrypt/live/gw.example.org/fullchain.pem', crt],
    ['/etc/letsencrypt/live/gw.example.org/privkey.pem', key],
    ['http://127.0.0.1:6969', gateway],
  ].reduce((text, [printed = '', here = '']) => {
    expect(text).toContain(printed);
    return text.replace(printed, here);
  }, blockOf('nginx'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
    .join(' ');
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `pid ${join(folder, 'pid')}; error_log ${join(folder, 'error.log')}; events {} http { access_log off; ${temporary}\n${server}}\n`,
  );
  return file;
}

/** Trusts only this certificate, as a phone trusts only its authorities. */
function postOverTls(url: string, ca: Buffer, body: object): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: 'POST',
        ca,
        headers: { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.1' },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    outgoing.on('error', reject).end(JSON.stringify(body));
  });
}

test('the nginx configuration of the page forwards SMS of phones over TLS', async (context) => {
  needs(context, { command: 'nginx' }, { command: 'openssl' });
  const folder = temporaryFolder();
  const [port = 0] = await freePorts(1);
  const settings = [...blockOf('ini').matchAll(/^(\w+) = (.*)$/gm)]
    .filter(([, key]) => key !== 'host')
    .map(([, key, value]) => `api.${key}=${value}`);
  expect(settings).toContain('api.trusted_proxies=127.0.0.1');
  const services = await startMessaging({ set: settings });
  const file = writeNginxConfiguration(folder, port, services.gateway);
  const nginx = startProcess('nginx', ['-p', folder, '-c', file, '-g', 'daemon off; master_process off;'], {
    cwd: folder,
  });
  const ended = nginx.exit.then(() => {
    throw new Error(`nginx ended: ${nginx.stderr()}`);
  });
  ended.catch(() => {});
  const url = `https://127.0.0.1:${port}`;
  const ca = readFileSync(join(folder, 'proxy.crt'));
  const body = {
    text: encryptAsApp(services.sharedKey, 'g:to@example.org:::subject:body'),
    address: msisdn,
    tag: msisdn,
  };
  const forwarded = vi.waitFor(() => postOverTls(`${url}/v3/publish`, ca, body), {
    timeout: 20_000,
    interval: 50,
  });
  expect(await Promise.race([forwarded, ended])).toMatchObject({ status: 200 });
  expect(services.publisher.messages()).toMatchObject([{ MSISDN: msisdn }]);
  // A client cannot choose the address that it is limited by.
  const logged = JSON.stringify(services.log.lines);
  expect(logged).not.toContain('203.0.113.1');
  expect((await postOverTls(`${url}/metrics`, ca, {})).status).toBe(404);
});

test('the fields and values of the page are those that `swob sms invite` prints', async () => {
  const cli = createCli();
  const words = [
    'sms',
    'invite',
    'dev1',
    '--msisdn',
    '+237650393369',
    '--set',
    'api.public_url=https://gw.example.org',
  ];
  expect(await cli.swob(...words, '--set', 'broker.url=amqp://mq.example.org')).toBe(0);
  const fields = [...cli.out.text.matchAll(/^ {2}(\S+(?: \S+)*?) {2,}/gm)].map(([, field]) => field ?? '');
  expect(fields).toContain('Virtual host');
  for (const field of fields) expect(page).toContain(field);
  for (const value of ['https://gw.example.org/v3/publish', 'dev1_OUTGOING_SMS', 'dev1_OUTGOING_SMS.#']) {
    expect(cli.out.text).toContain(value);
    expect(page).toContain(`\`${value}\``);
  }
});
