// `swob sms list|failed|retry|drop|trace` against a gateway in the test's process.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Messaging, msisdn, startMessaging } from '../../../support/messaging.ts';
import { type CliOptions, createCli, startGateway } from '../../harness.ts';
import { idIn, message, sendDeadLetter, startMessagingCli } from './gateway.ts';

describe('messages that were dead-lettered', () => {
  test('are listed, retried by id and all together, and traced', async () => {
    const setup = await startMessagingCli();
    const { swob, publisher } = setup;
    expect((await swob(['sms', 'failed'])).err).toBe('no message is dead-lettered\n');

    const first = await sendDeadLetter(setup);
    const second = await sendDeadLetter(setup);
    const third = await sendDeadLetter(setup);
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
    expect(traced.out).toMatch(
      /received by gateway-client\n.*answered 400\n.*dead-lettered\nnow: dead-lettered\n$/,
    );

    expect(await swob(['sms', 'retry', first])).toMatchObject({ exit: 0, out: '1\n' });
    await expect.poll(() => publisher.messages().length).toBe(1);
    expect(await swob(['sms', 'retry', '--all', '--json'])).toMatchObject({ exit: 0 });
    await expect.poll(() => publisher.messages().length).toBe(3);
    const json = await swob(['sms', 'trace', second, '--json']);
    expect(json.values()).toEqual([
      {
        id: second,
        state: 'published',
        history: expect.arrayContaining([expect.objectContaining({ event: 'published' })]),
      },
    ]);
    expect((await swob(['sms', 'failed', '--json'])).values()).toEqual([[]]);
    expect(`${listed.out}${traced.out}${JSON.stringify(json.values())}`).not.toContain('subject');
  });

  test('and waiting ones are listed with their reason, and can be retried immediately', async () => {
    const setup = await startMessagingCli({ publisher: { mode: 'refuse' } });
    const { swob, publisher } = setup;
    expect((await swob(['sms', 'list'])).err).toBe('no message is waiting\n');
    const send = ['sms', 'send', msisdn, message, '--key', setup.keyFile];
    const { out } = await swob([...send, '--explain']);
    expect(out).toMatch(/^message accepted \([0-9a-f]{32}\): waiting: the Publisher at \S+ answered 500\n$/);
    const id = idIn(out);
    const listed = await swob(['sms', 'list']);
    expect(listed.out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['ID', 'SENDER', 'RECEIVED', 'ATTEMPTS', 'NEXT', 'WHY'],
      [
        id,
        msisdn,
        expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        '1',
        expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        expect.stringContaining('answered 500'),
      ],
      [''],
    ]);
    publisher.setMode('normal');
    expect(await swob(['sms', 'retry', id])).toMatchObject({ exit: 0, out: '1\n' });
    await expect.poll(() => publisher.messages().length).toBe(1);

    publisher.setMode('refuse');
    for (let n = 0; n < 3; n++) await swob(send);
    publisher.setMode('normal');
    expect(await swob(['sms', 'retry', '--waiting'])).toMatchObject({ exit: 0, out: '3\n' });
    await expect.poll(() => publisher.messages().length).toBe(4);
  });

  test('a message is shown as under way while the Publisher has not responded', async () => {
    const setup = await startMessagingCli({
      publisher: { mode: 'hang' },
      set: ['publisher.answer_within=100ms'],
    });
    const { publisher } = setup;
    const sent = setup.swob(['sms', 'send', msisdn, message, '--key', setup.keyFile, '--explain']);
    let done = false;
    void sent.finally(() => {
      done = true;
    });
    await expect
      .poll(() => {
        setup.clock.advance(10);
        return done;
      })
      .toBe(true);
    expect((await sent).out).toMatch(
      /^message accepted \(\w+\): sent to the Publisher, which has not responded yet\n$/,
    );
    expect((await setup.swob(['sms', 'list'])).out).toContain(' under way ');
    const { exit, err } = await setup.swob(['sms', 'retry', idIn((await sent).out)]);
    expect([exit, err]).toEqual([1, expect.stringContaining('is being published just now')]);
    // The running call ends too, so that the gateway can stop.
    await publisher.close();
  });

  test('can be dropped', async () => {
    const setup = await startMessagingCli();
    const id = await sendDeadLetter(setup);
    expect(await setup.swob(['sms', 'drop', id])).toMatchObject({ exit: 0, out: '1\n' });
    expect((await setup.swob(['sms', 'failed', '--json'])).values()).toEqual([[]]);
    expect(setup.publisher.messages()).toEqual([]);
  });

  test('that do not exist make it exit with 1', async () => {
    const { swob } = await startMessagingCli();
    for (const words of [['trace'], ['retry'], ['drop']]) {
      const { exit, err } = await swob(['sms', ...words, '0'.repeat(32)]);
      expect([exit, err]).toEqual([1, expect.stringContaining(`no message ${'0'.repeat(32)}`)]);
    }
    expect((await swob(['sms', 'trace', 'x'])).exit).toBe(65);
    expect((await swob(['sms', 'retry'])).exit).toBe(64);
    expect((await swob(['sms', 'retry', '0'.repeat(32), '--all'])).exit).toBe(64);
  });

  test('are only for the operator, with a token from a private file or an option', async () => {
    const setup: Messaging = await startMessaging();
    const file = join(setup.folder, 'admin.token');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const swob = async (options: CliOptions, ...more: string[]) => {
      const cli = createCli(options);
      return { exit: await cli.swob('sms', 'failed', '--url', setup.gateway, ...more), err: cli.err.text };
    };
    const elsewhere = ['--set', `security.admin_token_filepath=${join(setup.folder, 'none')}`];
    const missing = await swob({}, ...elsewhere);
    expect([missing.exit, missing.err]).toEqual([78, expect.stringContaining('no admin token')]);
    expect((await swob({}, '--token', `@${file}`)).exit).toBe(0);
    const wrong = await swob({ env: { SWOB_TOKEN: 'wrong' } });
    expect([wrong.exit, wrong.err]).toEqual([1, expect.stringContaining('wrong admin token')]);

    for (const [method, path] of [
      ['GET', '/sms/failed'],
      ['GET', '/sms/waiting'],
      ['GET', '/sms/refused'],
      ['GET', '/sms/summary'],
      ['POST', '/sms/waiting/retry'],
      ['POST', '/sms/failed/retry'],
      ['GET', `/sms/messages/${'0'.repeat(32)}`],
      ['POST', `/sms/messages/${'0'.repeat(32)}/retry`],
      ['DELETE', `/sms/messages/${'0'.repeat(32)}`],
    ] as const) {
      for (const authorization of ['', 'Bearer ', 'Bearer wrong', 'Basic x']) {
        const response = await fetch(`${setup.gateway}${path}`, { method, headers: { authorization } });
        expect([path, response.status]).toEqual([path, 401]);
      }
    }
  });

  test('a response that is not a list or a message is reported as such', async () => {
    const { url } = await startGateway(() => ({ body: '{"history":"<html>"}' }));
    for (const words of [['failed'], ['trace', 'x'], ['retry', '--all']]) {
      const cli = createCli({ env: { SWOB_TOKEN: 'x' } });
      expect(await cli.swob('sms', ...words, '--url', url)).toBe(69);
    }
  });
});
