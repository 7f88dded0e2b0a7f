// X9: passwords and tokens from stdin, a file or the environment; argv works, with a note.

import { EventEmitter } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createPrinter } from '../../src/cli/printer.ts';
import { readSecret, requireSecret, type SecretOptions } from '../../src/cli/secret.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { Kept } from './harness.ts';

function setUp(stdin: string | Readable = '', env: Record<string, string> = {}) {
  const stdout = new Kept(false);
  const stderr = new Kept(false);
  const options: SecretOptions = {
    name: '--password',
    variable: 'SWOB_PASSWORD',
    printer: createPrinter({ stdout, stderr, json: false, quiet: false, colour: false }),
    io: {
      stdout,
      stderr,
      stdin: typeof stdin === 'string' ? Readable.from([Buffer.from(stdin)]) : stdin,
      clock: createFakeClock(),
      signals: new EventEmitter(),
      env,
    },
  };
  return { options, stderr };
}

function fileOf(text: string): string {
  const file = join(temporaryFolder(), 'secret');
  writeFileSync(file, text);
  return `@${file}`;
}

describe('a secret', () => {
  test.each([
    ['s3cret', 's3cret'],
    ['s3cret\n', 's3cret'],
    ['s3cret\r\n', 's3cret'],
    ['two lines\nkept\n\n', 'two lines\nkept\n'],
    [' pässword ', ' pässword '],
  ])('of a file or stdin that holds %j is %j', async (text, secret) => {
    expect(await readSecret(fileOf(text), setUp().options)).toBe(secret);
    expect(await readSecret('-', setUp(text).options)).toBe(secret);
  });

  test('on the command line works, with a note that others can see it', async () => {
    const { options, stderr } = setUp();
    expect(await readSecret('s3cret', options)).toBe('s3cret');
    expect(stderr.text).toContain('--password on the command line is visible');
    expect(stderr.text).not.toContain('s3cret');
  });

  test('comes without a note from a file, stdin and the environment', async () => {
    const { options, stderr } = setUp('a', { SWOB_PASSWORD: 'b' });
    expect(await readSecret(undefined, options)).toBe('b');
    expect(await readSecret('-', options)).toBe('a');
    expect(await readSecret(fileOf('c'), options)).toBe('c');
    expect(stderr.text).toBe('');
  });

  test('that is missing is a usage error which names the ways, when it is needed', async () => {
    expect(await readSecret(undefined, setUp().options)).toBeUndefined();
    await expect(requireSecret(undefined, setUp().options)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/@file.*-.*SWOB_PASSWORD/),
    });
  });

  test('that is empty, and a file that cannot be read, are refused', async () => {
    await expect(readSecret('-', setUp('\n').options)).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(readSecret(fileOf(''), setUp().options)).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(readSecret('@/nowhere/at/all', setUp().options)).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringContaining('/nowhere/at/all'),
    });
  });

  test('is read up to 64 KiB; an endless stdin is left', async () => {
    expect(await readSecret('-', setUp('x'.repeat(65_536)).options)).toHaveLength(65_536);
    const endless = new Readable({
      read() {
        this.push(Buffer.alloc(16_384, 120));
      },
    });
    await expect(readSecret('-', setUp(endless).options)).rejects.toThrow('more than 64 KiB');
    expect(endless.destroyed).toBe(true);
  });
});
