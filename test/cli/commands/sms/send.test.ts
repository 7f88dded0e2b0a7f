// `swob sms send` against a gateway in the test's process.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { msisdn } from '../../../support/messaging.ts';
import { encryptAsApp } from '../../../support/sms.ts';
import { createCli, unusedUrl } from '../../harness.ts';
import { idIn, message, startMessagingCli } from './gateway.ts';

describe('swob sms send', () => {
  test('encrypts like the app, posts like a gateway phone, and prints response and id', async () => {
    const setup = await startMessagingCli();
    const { exit, out, err } = await setup.swob(['sms', 'send', msisdn, message, '--key', setup.keyFile]);
    expect([exit, err]).toEqual([0, '']);
    expect(out).toMatch(/^message published successfully \([0-9a-f]{32}\)\n$/);
    expect(setup.publisher.messages()).toEqual([
      expect.objectContaining({ id: idIn(out), MSISDN: msisdn, message }),
    ]);
  });

  test('accepts the text from a file or stdin, the key from stdin, and a number other than that of the user', async () => {
    const setup = await startMessagingCli();
    const file = join(setup.folder, 'text');
    writeFileSync(file, `${message} line 1\nline 2 📨\n`);
    const args = ['sms', 'send', 'alice', `@${file}`, '--msisdn', msisdn, '--key', '-', '--json'];
    const cli = createCli({ stdin: `${setup.sharedKey}\n` });
    const { exit, values } = await setup.swob(args, cli);
    expect(exit).toBe(0);
    expect(values()).toEqual([
      { answer: 'message published successfully', id: expect.stringMatching(/^[0-9a-f]{32}$/) },
    ]);
    const fromStdin = createCli({ stdin: 'g:second' });
    await setup.swob(['sms', 'send', msisdn, '-', '--key', setup.keyFile], fromStdin);
    expect(setup.publisher.messages().map((arrived) => arrived.message)).toEqual([
      `${message} line 1\nline 2 📨`,
      'g:second',
    ]);
  });

  test('--dry-run prints an SMS that decrypt can read, and sends nothing', async () => {
    const setup = await startMessagingCli();
    const args = ['--key', setup.keyFile];
    const { exit, out } = await setup.swob(['sms', 'send', msisdn, message, '--dry-run', ...args]);
    expect(exit).toBe(0);
    expect((await setup.swob(['sms', 'decrypt', out.trim(), ...args])).out).toBe(`${message}\n`);
    expect(setup.publisher.messages()).toEqual([]);
  });

  test('exits with 1 when it cannot be published, with 69 when the gateway is unreachable', async () => {
    const setup = await startMessagingCli();
    const refused = await setup.swob(['sms', 'send', '+237699999999', message, '--key', setup.keyFile]);
    expect([refused.exit, refused.out]).toEqual([1, '']);
    expect(refused.err).toBe('swob: the gateway responded: message cannot be published\n');
    const url = ['--url', await unusedUrl()];
    expect((await setup.swob(['sms', 'send', msisdn, message, '--key', setup.keyFile, ...url])).exit).toBe(
      69,
    );
  });

  test('reports 202 as accepted, not as published', async () => {
    const setup = await startMessagingCli({ publisher: { mode: 'refuse' } });
    const { exit, out } = await setup.swob(['sms', 'send', msisdn, message, '--key', setup.keyFile]);
    expect([exit, out]).toEqual([0, expect.stringMatching(/^message accepted \([0-9a-f]{32}\)\n$/)]);
  });

  test.each([
    ['no key', ['sms', 'send', msisdn, message], 64],
    ['a file that is not there', ['sms', 'send', msisdn, message, '--key', '/nowhere/key'], 78],
  ])('%s is reported', async (_what, args, exit) => {
    const cli = createCli();
    expect(await cli.swob(...args)).toBe(exit);
    expect(cli.err.text).toContain('--key');
  });

  test('a file without a shared key is reported, and its content is not shown', async () => {
    const setup = await startMessagingCli();
    writeFileSync(setup.keyFile, 'hunter2');
    const { exit, err } = await setup.swob(['sms', 'send', msisdn, message, '--key', setup.keyFile]);
    expect(exit).toBe(65);
    expect(err).toContain('32 hex characters');
    expect(err).not.toContain('hunter2');
  });
});

describe('why an SMS was refused', () => {
  test('is shown only to the operator, by send, trace and a list', async () => {
    const setup = await startMessagingCli({
      set: ['limits.sms=6/1m'],
      numbers: [['+237650000001', 'nobody']],
    });
    const { swob } = setup;
    const otherKey = join(setup.folder, 'other.txt');
    writeFileSync(otherKey, 'f'.repeat(32));
    const send = async (from: string, key: string, ...more: string[]) =>
      swob(['sms', 'send', from, message, '--key', key, ...more]);

    const refused = [
      ['00237 699 999 999', setup.keyFile, 'its sender is unknown: the back end knows no user of the number'],
      ['+237650000001', setup.keyFile, 'the user of its number has not paired a phone here'],
      [msisdn, otherKey, 'it does not decrypt under a key of its user'],
    ] as const;
    for (const [from, key, why] of refused) {
      const { exit, err } = await send(from, key, '--explain');
      expect([exit, err]).toEqual([1, expect.stringContaining(`refused: ${why}`)]);
    }
    // Without the token the output has no reason.
    const silent = await send('+237699999999', setup.keyFile);
    expect(silent.err).toContain('the gateway responded: message cannot be published');
    expect(silent.err).not.toContain('user');

    await setup.post({ text: 'Your balance is 50 XAF.', MSISDN: msisdn });
    await setup.post({ text: encryptAsApp(setup.sharedKey, message), MSISDN: 'no sender' });
    const limited = await send(msisdn, setup.keyFile, '--explain');
    expect([limited.exit, limited.err]).toEqual([75, expect.stringContaining('has exceeded [limits] sms')]);

    const listed = await swob(['sms', 'refused', '--json']);
    const [list] = listed.values() as { id: string; history: { event: string }[] }[][];
    const reasons = list?.map(({ history }) => history.at(-1)?.event ?? '') ?? [];
    expect(reasons).toHaveLength(6);
    for (const why of [
      ...refused.map(([, , reason]) => reason),
      'its sender is not a phone number',
      'it is not base64 of an encrypted SMS',
    ])
      expect(reasons).toContainEqual(expect.stringContaining(`refused: ${why}`));
    const traced = await swob(['sms', 'trace', list?.[0]?.id ?? '']);
    expect(traced.out).toMatch(/refused: .*\nnow: refused\n$/);
    const logged = JSON.stringify(setup.log.lines);
    for (const [, , why] of refused) expect(logged).toContain(why);
    expect(logged).not.toContain(msisdn);
  });
});
