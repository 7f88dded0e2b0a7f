// `swob sms invite`: what to type into DekuSMS, as lines, JSON and a QR code.

import { describe, expect, test } from 'vitest';
import { drawQrCode, encodeQrCode } from '../../../../src/cli/terminal/qr-code.ts';
import { type CliOptions, createCli } from '../../harness.ts';

const settings = {
  'api.public_url': 'https://gw.example.org',
  'broker.url': 'amqp://swob:broker-secret@mq.example.org:5673/sms%20hub',
  'numbers.default_region': 'CM',
};
const invite = async (
  words: readonly string[],
  changed: Partial<typeof settings> & Record<string, string> = {},
  options: CliOptions = {},
) => {
  const cli = createCli(options);
  const set = Object.entries({ ...settings, ...changed }).flatMap(([key, value]) => [
    '--set',
    `${key}=${value}`,
  ]);
  const exit = await cli.swob('sms', 'invite', ...words, ...set);
  return { exit, out: cli.out.text, err: cli.err.text, values: cli.values };
};

const forwarding = { url: 'https://gw.example.org/v3/publish', tag: '+237650393369' };
const sending = {
  protocol: 'amqp',
  host: 'mq.example.org',
  port: 5673,
  username: 'dev1',
  password: null,
  virtual_host: 'sms hub',
  exchange: 'dev1_OUTGOING_SMS',
  binding: 'dev1_OUTGOING_SMS.<country code>.<MCC and MNC>',
  binding_of_all: 'dev1_OUTGOING_SMS.#',
};

describe('swob sms invite', () => {
  test('prints the fields of DekuSMS in their order, and no secret', async () => {
    const { exit, out, err } = await invite(['dev1', '--msisdn', '650 39 33 69']);
    expect([exit, err]).toEqual([0, '']);
    for (const [field, value] of [
      ['Enter Url', forwarding.url],
      ['Enter tag', forwarding.tag],
      ['Host Url', sending.host],
      ['Username', 'dev1'],
      ['Password', '(the auth key of dev1)'],
      ['Virtual host', 'sms hub'],
      ['Port', '5673'],
      ['Exchange', sending.exchange],
    ]) {
      expect(out).toMatch(new RegExp(`^  ${field} +${value?.replace(/[.+()]/g, '\\$&')}$`, 'm'));
    }
    expect(out).toContain(sending.binding);
    expect(out).not.toContain('broker-secret');
  });

  test('prints the same as JSON', async () => {
    const { values } = await invite(['dev1', '--msisdn', '+237650393369', '--json']);
    expect(values()).toEqual([{ forwarding, sending, warnings: [] }]);
    const without = await invite(['dev1', '--json'], { 'broker.url': '' });
    expect(without.values()).toEqual([
      {
        forwarding: { ...forwarding, tag: null },
        sending: null,
        warnings: ['[broker] url is not set, so that phones cannot send SMS'],
      },
    ]);
  });

  test('prints the auth key only with --show-key', async () => {
    const environment = { env: { SWOB_AUTH_KEY: 's3cret-key' } };
    expect((await invite(['dev1', '--qr'], {}, environment)).out).not.toContain('s3cret-key');
    const shown = await invite(['dev1', '--show-key'], {}, environment);
    expect(shown.out).toMatch(/^ {2}Password +s3cret-key$/m);
    const piped = await invite(
      ['dev1', '--show-key', '--auth-key', '-', '--json'],
      {},
      { stdin: 'from stdin\n' },
    );
    expect(piped.values()).toMatchObject([{ sending: { password: 'from stdin' } }]);
    expect(await invite(['dev1', '--auth-key', '@file'])).toMatchObject({
      exit: 64,
      err: expect.stringContaining('only for --show-key'),
    });
  });

  test('draws a QR code of the values', async () => {
    const { out } = await invite(['dev1', '--msisdn', '+237650393369', '--qr']);
    const text = [
      `Url: ${forwarding.url}`,
      'Tag: +237650393369',
      'Host: mq.example.org',
      'Username: dev1',
      'Virtual host: sms hub',
      'Port: 5673',
      'Exchange: dev1_OUTGOING_SMS',
    ].join('\n');
    const art = drawQrCode(encodeQrCode(text), { size: 'small', colour: false }).join('\n');
    expect(out.endsWith(`${art}\n`)).toBe(true);
    const narrow = await invite(['dev1', '--qr'], {}, { terminal: true, size: [30, 10] });
    expect(narrow.err).toContain('does not fit');
    expect((await invite(['dev1', '--qr', '--json'])).exit).toBe(64);
  });

  test('warns of what phones refuse or cannot reach, with the remedy', async () => {
    const warnings = async (changed: Record<string, string>, ...words: string[]) =>
      (await invite(['dev1', '--json', ...words], changed)).values()[0];
    expect(await warnings({ 'api.public_url': 'http://gw.example.org' })).toMatchObject({
      warnings: [expect.stringContaining('set [api] public_url to the https address')],
    });
    expect(await warnings({ 'api.public_url': '', 'broker.url': 'amqp://localhost' })).toMatchObject({
      forwarding: { url: 'http://127.0.0.1:6969/v3/publish' },
      warnings: [
        expect.stringContaining('phones cannot reach 127.0.0.1'),
        expect.stringContaining('pass its public address with --broker'),
      ],
    });
    const tls = await warnings(
      { 'broker.url': 'amqps://mq.example.org' },
      '--broker',
      'phones.example.org:5680',
    );
    expect(tls).toMatchObject({
      sending: { host: 'phones.example.org', port: 5680 },
      warnings: [expect.stringContaining('without TLS')],
    });
  });

  test.each([
    [['no-dashes'], 'not a valid auth id'],
    [['dev1', '--msisdn', 'MTN'], 'it contains letters'],
    [['dev1', '--msisdn', '8787'], 'it is a short code'],
    [['dev1', '--broker', 'amqp://mq.example.org'], '--broker: expected a host'],
    [['dev1', '--broker', 'me:secret@mq.example.org'], '--broker: expected a host'],
  ])('%j is refused', async (words, why) => {
    expect(await invite(words)).toMatchObject({ exit: 64, err: expect.stringContaining(why) });
  });
});
