// `swob sms send|decrypt|failed|retry|trace` against a gateway in the test's process.

import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Messaging, msisdn, startMessaging } from '../support/messaging.ts';
import { encryptAsApp } from '../support/sms.ts';
import { type CliOptions, createCli, startGateway, unusedUrl } from './harness.ts';

const message = 'g:to@example.org:::subject:body';

/** The gateway with a key file, and command lines that are configured for both. */
async function startWorld(options: Parameters<typeof startMessaging>[0] = {}) {
  const world = await startMessaging(options);
  const keyFile = join(world.folder, 'key.txt');
  writeFileSync(keyFile, `${world.sharedKey}\n`);
  const at = ['--set', `api.port=${new URL(world.gateway).port}`];
  const admin = ['--set', `security.admin_token_filepath=${join(world.folder, 'admin.token')}`];
  const swob = async (words: readonly string[], cli = createCli()) => {
    const exit = await cli.swob(...words, ...at, ...admin);
    return { exit, out: cli.out.text, err: cli.err.text, values: cli.values };
  };
  return { ...world, keyFile, swob };
}

const idIn = (out: string): string => /\(([0-9a-f]{32})\)/.exec(out)?.[1] ?? '';
/** A message that the Publisher refuses for good. */
async function giveUp({ publisher, clock, swob, keyFile }: Awaited<ReturnType<typeof startWorld>>) {
  // They are listed in the order in which they came.
  clock.advance(1);
  publisher.setBehaviour('reject', { count: 1 });
  return idIn((await swob(['sms', 'send', msisdn, message, '--key', keyFile])).out);
}

describe('swob sms send', () => {
  test('encrypts as the app, posts as a gateway phone, and prints answer and id', async () => {
    const world = await startWorld();
    const { exit, out, err } = await world.swob(['sms', 'send', msisdn, message, '--key', world.keyFile]);
    expect([exit, err]).toEqual([0, '']);
    expect(out).toMatch(/^message published successfully \([0-9a-f]{32}\)\n$/);
    expect(world.publisher.messages()).toEqual([
      expect.objectContaining({ id: idIn(out), MSISDN: msisdn, message }),
    ]);
  });

  test('takes the text from a file or stdin, the key from stdin, and the number apart from the user', async () => {
    const world = await startWorld();
    const file = join(world.folder, 'text');
    writeFileSync(file, `${message} line 1\nline 2 📨\n`);
    const args = ['sms', 'send', 'alice', `@${file}`, '--msisdn', msisdn, '--key', '-', '--json'];
    const cli = createCli({ stdin: `${world.sharedKey}\n` });
    const { exit, values } = await world.swob(args, cli);
    expect(exit).toBe(0);
    expect(values()).toEqual([
      { answer: 'message published successfully', id: expect.stringMatching(/^[0-9a-f]{32}$/) },
    ]);
    const fromStdin = createCli({ stdin: 'g:second' });
    await world.swob(['sms', 'send', msisdn, '-', '--key', world.keyFile], fromStdin);
    expect(world.publisher.messages().map((arrived) => arrived.message)).toEqual([
      `${message} line 1\nline 2 📨`,
      'g:second',
    ]);
  });

  test('--dry-run prints an SMS that decrypt reads, and sends nothing', async () => {
    const world = await startWorld();
    const args = ['--key', world.keyFile];
    const { exit, out } = await world.swob(['sms', 'send', msisdn, message, '--dry-run', ...args]);
    expect(exit).toBe(0);
    expect((await world.swob(['sms', 'decrypt', out.trim(), ...args])).out).toBe(`${message}\n`);
    expect(world.publisher.messages()).toEqual([]);
  });

  test('ends with 1 when it cannot be published, with 69 when nobody is there', async () => {
    const world = await startWorld();
    const refused = await world.swob(['sms', 'send', '+237699999999', message, '--key', world.keyFile]);
    expect([refused.exit, refused.out]).toEqual([1, '']);
    expect(refused.err).toBe('swob: the gateway answered: message cannot be published\n');
    const url = ['--url', await unusedUrl()];
    expect((await world.swob(['sms', 'send', msisdn, message, '--key', world.keyFile, ...url])).exit).toBe(
      69,
    );
  });

  test('says 202 as it is: accepted', async () => {
    const world = await startWorld({ publisher: { mode: 'refuse' } });
    const { exit, out } = await world.swob(['sms', 'send', msisdn, message, '--key', world.keyFile]);
    expect([exit, out]).toEqual([0, expect.stringMatching(/^message accepted \([0-9a-f]{32}\)\n$/)]);
  });

  test.each([
    ['no key', ['sms', 'send', msisdn, message], 64],
    ['a file that is not there', ['sms', 'send', msisdn, message, '--key', '/nowhere/key'], 78],
  ])('%s is told', async (_what, args, exit) => {
    const cli = createCli();
    expect(await cli.swob(...args)).toBe(exit);
    expect(cli.err.text).toContain('--key');
  });

  test('a file that holds no shared key is told, and not shown', async () => {
    const world = await startWorld();
    writeFileSync(world.keyFile, 'hunter2');
    const { exit, err } = await world.swob(['sms', 'send', msisdn, message, '--key', world.keyFile]);
    expect(exit).toBe(65);
    expect(err).toContain('32 hex characters');
    expect(err).not.toContain('hunter2');
  });
});

describe('swob sms decrypt', () => {
  const key = '0123456789abcdef0123456789abcdef';
  const decrypt = async (text: string, options: CliOptions, ...more: string[]) => {
    const cli = createCli(options);
    const exit = await cli.swob('sms', 'decrypt', text, '--key', '-', ...more);
    return { exit, out: cli.out.text, err: cli.err.text };
  };

  test('prints what the SMS says, harmless on a terminal and whole with --json', async () => {
    const text = encryptAsApp(key, 'g:a\n\u001b[31mred');
    expect(await decrypt(text, { stdin: key })).toEqual({ exit: 0, out: 'g:a\nred\n', err: '' });
    const json = await decrypt(text, { stdin: key }, '--json');
    expect(JSON.parse(json.out)).toEqual({ message: 'g:a\n\u001b[31mred' });
  });

  test('ends with 1 for another key, and for what is no SMS', async () => {
    for (const text of [encryptAsApp('f'.repeat(32), message), 'hello']) {
      const { exit, out, err } = await decrypt(text, { stdin: key });
      expect([exit, out]).toEqual([1, '']);
      expect(err).toContain('does not decrypt');
    }
  });

  test('takes one of the two from stdin, not both', async () => {
    expect((await decrypt('-', { stdin: key })).exit).toBe(64);
  });
});

describe('messages that were given up', () => {
  test('are listed, tried again by id and all together, and traced', async () => {
    const world = await startWorld();
    const { swob, publisher } = world;
    expect((await swob(['sms', 'failed'])).err).toBe('no message was given up\n');

    const first = await giveUp(world);
    const second = await giveUp(world);
    const third = await giveUp(world);
    const listed = await swob(['sms', 'failed']);
    expect(listed.out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['ID', 'SENDER', 'RECEIVED', 'ATTEMPTS', 'WHY'],
      ...[first, second, third].map((id) => [
        id,
        msisdn,
        expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        '1',
        expect.stringContaining('answered 400'),
      ]),
      [''],
    ]);
    const traced = await swob(['sms', 'trace', first]);
    expect(traced.out).toMatch(/received by gateway-client\n.*answered 400\n.*given up\nnow: given up\n$/);

    expect(await swob(['sms', 'retry', first])).toMatchObject({ exit: 0, out: '1\n' });
    await expect.poll(() => publisher.messages().length).toBe(1);
    expect(await swob(['sms', 'retry', '--all', '--json'])).toMatchObject({ exit: 0 });
    await expect.poll(() => publisher.messages().length).toBe(3);
    const json = await swob(['sms', 'trace', second, '--json']);
    expect(json.values()).toEqual([
      {
        id: second,
        state: 'published',
        life: expect.arrayContaining([expect.objectContaining({ what: 'published' })]),
      },
    ]);
    expect((await swob(['sms', 'failed', '--json'])).values()).toEqual([[]]);
    expect(`${listed.out}${traced.out}${JSON.stringify(json.values())}`).not.toContain('subject');
  });

  test('can be dropped', async () => {
    const world = await startWorld();
    const id = await giveUp(world);
    expect(await world.swob(['sms', 'drop', id])).toMatchObject({ exit: 0, out: '1\n' });
    expect((await world.swob(['sms', 'failed', '--json'])).values()).toEqual([[]]);
    expect(world.publisher.messages()).toEqual([]);
  });

  test('that are not there end with 1', async () => {
    const { swob } = await startWorld();
    for (const words of [['trace'], ['retry'], ['drop']]) {
      const { exit, err } = await swob(['sms', ...words, '0'.repeat(32)]);
      expect([exit, err]).toEqual([1, expect.stringContaining(`no message ${'0'.repeat(32)}`)]);
    }
    expect((await swob(['sms', 'trace', 'x'])).exit).toBe(65);
    expect((await swob(['sms', 'retry'])).exit).toBe(64);
    expect((await swob(['sms', 'retry', '0'.repeat(32), '--all'])).exit).toBe(64);
  });

  test('are for the operator: the token is in a file that others cannot read, or given', async () => {
    const world: Messaging = await startMessaging();
    const file = join(world.folder, 'admin.token');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const swob = async (options: CliOptions, ...more: string[]) => {
      const cli = createCli(options);
      return { exit: await cli.swob('sms', 'failed', '--url', world.gateway, ...more), err: cli.err.text };
    };
    const elsewhere = ['--set', `security.admin_token_filepath=${join(world.folder, 'none')}`];
    const missing = await swob({}, ...elsewhere);
    expect([missing.exit, missing.err]).toEqual([78, expect.stringContaining('no admin token')]);
    expect((await swob({}, '--token', `@${file}`)).exit).toBe(0);
    const wrong = await swob({ env: { SWOB_TOKEN: 'wrong' } });
    expect([wrong.exit, wrong.err]).toEqual([1, expect.stringContaining('wrong admin token')]);

    for (const [method, path] of [
      ['GET', '/sms/failed'],
      ['POST', '/sms/failed/retry'],
      ['GET', `/sms/messages/${'0'.repeat(32)}`],
      ['POST', `/sms/messages/${'0'.repeat(32)}/retry`],
      ['DELETE', `/sms/messages/${'0'.repeat(32)}`],
    ] as const) {
      for (const authorization of ['', 'Bearer ', 'Bearer wrong', 'Basic x']) {
        const answer = await fetch(`${world.gateway}${path}`, { method, headers: { authorization } });
        expect([path, answer.status]).toEqual([path, 401]);
      }
    }
  });

  test('an answer that is no list, or no message, is told as such', async () => {
    const { url } = await startGateway(() => ({ body: '{"life":"<html>"}' }));
    for (const words of [['failed'], ['trace', 'x'], ['retry', '--all']]) {
      const cli = createCli({ env: { SWOB_TOKEN: 'x' } });
      expect(await cli.swob('sms', ...words, '--url', url)).toBe(69);
    }
  });
});
