// Secrets on a real terminal: swob prompts when one is missing or `-` is given, and never shows it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { publicPem, rs256, sampleClaims } from '../crypto/token-builder.ts';
import { runSwob } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs } from '../support/needs.ts';
import { freePort } from '../support/ports.ts';
import { startTestServices, users } from '../support/services.ts';
import { onTerminal } from '../support/terminal.ts';

const secret = 'correct horse';
const ctrl = (key: string): string => String.fromCharCode(key.charCodeAt(0) & 31);

function folderOf(): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'empty.ini'), '');
  writeFileSync(join(folder, 'public.pem'), publicPem);
  return folder;
}

test('swob sync pair prompts for the password, accepts corrections, and prints only the key', async (context) => {
  needs(context, { module: 'pty' });
  expect(users.get('alice')).toBe(secret);
  const { gateway } = await startTestServices();
  const cwd = folderOf();
  const pair = (typed: string, ...options: string[]) =>
    onTerminal(
      ['-c', 'empty.ini', 'sync', 'pair', 'alice', '--url', gateway, ...options],
      [['password of alice: ', typed]],
      {
        cwd,
      },
    );
  const [prompted, dash, corrected, interrupted, ended, wrong] = await Promise.all([
    pair(`${secret}\r`),
    pair(`${secret}\r`, '--password', '-'),
    pair(`wrong${ctrl('U')}${secret}x\u007f\r`),
    pair(`corr${ctrl('C')}`),
    pair(ctrl('D')),
    pair('wrong\r'),
  ]);
  for (const { shown, code } of [prompted, dash, corrected]) {
    expect(shown).toMatch(/^password of alice: \n[0-9a-f]{32}\n$/);
    expect(code).toBe(0);
  }
  expect(interrupted).toEqual({ shown: 'password of alice: \n', code: 130 });
  expect(ended).toEqual({
    shown: 'password of alice: \nswob: --password: nothing was entered\n',
    code: 65,
  });
  expect(wrong.code).toBe(1);
  for (const { shown } of [prompted, dash, corrected, interrupted, wrong])
    expect(shown).not.toMatch(/corr|horse|wrong/);
});

test('every command that needs a secret prompts for it', async (context) => {
  needs(context, { module: 'pty' });
  const cwd = folderOf();
  const unusedAddress = `127.0.0.1:${await freePort()}`;
  const token = rs256(sampleClaims);
  const stubs = ['--port', '0'];
  const commands: [
    args: string[],
    question: string,
    typed: string,
    then: [string, string][],
    code: number,
  ][] = [
    [['jwt', 'decode'], 'token: ', token, [], 0],
    [['jwt', 'verify', '-', '--key', 'public.pem'], 'token: ', token, [], 1],
    [['disconnect', '--url', `http://${unusedAddress}`], 'token of the doors service: ', token, [], 69],
    [
      ['disconnect', '--token', '-', '--url', `http://${unusedAddress}`],
      'token of the doors service: ',
      token,
      [],
      69,
    ],
    [
      [
        'sms',
        'consume',
        '--operator',
        'MTN',
        '--auth-id',
        'dev',
        '--url',
        `amqp://${unusedAddress}`,
        '--timeout',
        '10ms',
      ],
      'key of dev: ',
      secret,
      [],
      69,
    ],
    [['sms', 'failed', '--token', '-', '--url', `http://${unusedAddress}`], 'token: ', secret, [], 69],
    [['sms', 'decrypt', 'abc', '--key', '-'], 'key: ', secret, [], 65],
    [
      ['seeds', 'ping', '1', '2', '--token', '-', '--url', `http://${unusedAddress}`],
      'token: ',
      secret,
      [],
      69,
    ],
    [
      ['stub', 'users', '--user', 'bob', ...stubs],
      'password of bob: ',
      secret,
      [['ready at', ctrl('C')]],
      130,
    ],
    [
      ['stub', 'users', '--user', 'bob:-', ...stubs],
      'password of bob: ',
      secret,
      [['ready at', ctrl('C')]],
      130,
    ],
    [
      ['stub', 'developer', '--developer', 'dev', ...stubs],
      'key of dev: ',
      secret,
      [['ready at', ctrl('C')]],
      130,
    ],
  ];
  const runs = commands.map(async ([args, question, typed, then, code]) => {
    const responses: [string, string][] = [[question, `${typed}\r`], ...then];
    const seen = await onTerminal(['-c', 'empty.ini', ...args], responses, { cwd });
    const what = args.join(' ');
    expect([what, seen.shown.startsWith(`${question}\n`), seen.code]).toEqual([what, true, code]);
    expect(seen.shown).not.toContain(typed);
  });
  await Promise.all(runs);
});

test('text that is not secret is echoed and may have several lines', async (context) => {
  needs(context, { module: 'pty' });
  const cwd = folderOf();
  writeFileSync(join(cwd, 'key.txt'), '0'.repeat(32));
  const typed: [string, string][] = [['', `g:a@b:::c:d\rmore\r${ctrl('D')}`]];
  const seen = await onTerminal(
    ['-c', 'empty.ini', 'sms', 'send', 'bob', '-', '--dry-run', '--key', 'key.txt'],
    typed,
    {
      cwd,
    },
  );
  expect(seen.code).toBe(0);
  expect(seen.shown).toContain('g:a@b:::c:d\nmore\n');
});

test('without a terminal the command does not prompt but says how to provide the secret', async () => {
  const cwd = folderOf();
  const { code, stderr, stdout } = await runSwob(['-c', 'empty.ini', 'sync', 'pair', 'alice'], { cwd });
  expect([code, stdout]).toEqual([64, '']);
  expect(stderr).toBe(
    'swob: --password is missing: pass --password @file or - (stdin), or set SWOB_PASSWORD\n',
  );
});
