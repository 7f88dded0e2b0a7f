// X9: passwords and tokens from stdin, a file or the environment; arguments work, with a note.

import { EventEmitter } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { readSecret, requireSecret, type SecretOptions } from '../../../src/cli/input/secret.ts';
import { createPrinter } from '../../../src/cli/terminal/printer.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { RecordedStream } from '../harness.ts';

function setUp(stdin: string | Readable = '', env: Record<string, string> = {}) {
  const stdout = new RecordedStream(false);
  const stderr = new RecordedStream(false);
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
    expect(stderr.text).toContain('other users of this machine can see --password');
    expect(stderr.text).not.toContain('s3cret');
  });

  test('comes without a note from a file, stdin and the environment', async () => {
    const { options, stderr } = setUp('a', { SWOB_PASSWORD: 'b' });
    expect(await readSecret(undefined, options)).toBe('b');
    expect(await readSecret('-', options)).toBe('a');
    expect(await readSecret(fileOf('c'), options)).toBe('c');
    expect(stderr.text).toBe('');
  });

  test('that is required and missing is a usage error which names the ways to provide it', async () => {
    expect(await readSecret(undefined, setUp().options)).toBeUndefined();
    await expect(requireSecret(undefined, setUp().options)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/@file.*-.*SWOB_PASSWORD/),
    });
  });

  test('that is empty or in an unreadable file is refused', async () => {
    await expect(readSecret('-', setUp('\n').options)).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(readSecret(fileOf(''), setUp().options)).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(readSecret('@/nowhere/at/all', setUp().options)).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringContaining('/nowhere/at/all'),
    });
  });

  test('that is not UTF-8 is refused, not converted to another', async () => {
    const latin1 = Buffer.from('one\ns\xe4cret', 'latin1');
    const file = join(temporaryFolder(), 'secret');
    writeFileSync(file, latin1);
    await expect(readSecret(`@${file}`, setUp().options)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(`--password: ${file}: line 2 is not UTF-8`),
    });
    await expect(readSecret('-', setUp(Readable.from([latin1])).options)).rejects.toThrow(
      '--password: stdin: line 2 is not UTF-8',
    );
    // Node has already replaced the invalid bytes of these two.
    await expect(readSecret('s\ufffdcret', setUp().options)).rejects.toThrow(
      'the argument is not valid UTF-8',
    );
    const { options } = setUp('', { SWOB_PASSWORD: 's\ufffdcret' });
    await expect(readSecret(undefined, options)).rejects.toThrow(
      'environment SWOB_PASSWORD is not valid UTF-8',
    );
  });

  test('is read up to 64 KiB, even from an endless stdin', async () => {
    expect(await readSecret('-', setUp('x'.repeat(65_536)).options)).toHaveLength(65_536);
    const endless = new Readable({
      read() {
        this.push(Buffer.alloc(16_384, 120));
      },
    });
    await expect(readSecret('-', setUp(endless).options)).rejects.toThrow('larger than 64 KiB');
    expect(endless.destroyed).toBe(true);
  });
});
