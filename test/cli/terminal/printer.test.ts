import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPrinter } from '../../../src/cli/terminal/printer.ts';
import { printable } from '../../../src/lib/printable.ts';
import { anyText } from '../../support/any-text.ts';
import { RecordedStream } from '../harness.ts';

const esc = '\u001b';
const hostile = fc
  .array(
    fc.oneof(
      anyText(),
      fc.constantFrom(
        esc,
        `${esc}[`,
        `${esc}]0;`,
        '\u009b',
        '\u009d',
        '\u0007',
        '31m',
        `${esc}\\`,
        '\u202e',
        '\r',
        '\n',
      ),
    ),
  )
  .map((parts) => parts.join(''));

describe('printable', () => {
  test('leaves no control character in any input', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = printable(text);
        expect(shown).not.toMatch(/\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/u);
        expect(shown).toBe(stripVTControlCharacters(shown));
      }),
      { numRuns: 2_000 },
    );
  });

  test('changes nothing the second time', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(printable(printable(text))).toBe(printable(text));
      }),
    );
  });

  test('keeps text that has no control characters', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~\u00e0-\u00ff\u4e00-\u4eff]*$/), (text) => {
        expect(printable(text)).toBe(text);
      }),
    );
    expect(printable('Côte d’Ivoire 📱')).toBe('Côte d’Ivoire 📱');
  });

  test.each([
    [`${esc}[31mred${esc}[0m`, 'red'],
    [`a${esc}]0;title${'\u0007'}b`, 'ab'],
    [`a${esc}]8;;http://evil${esc}\\link`, 'alink'],
    [`a${esc}]52;c;AAAA`, 'a52;c;AAAA'],
    [`a${esc}P1$r${esc}\\b`, 'ab'],
    [`${'\u009b'}2Jgone`, 'gone'],
    [`${esc}cx`, 'x'],
    ['one\r\ntwo\tthree', 'one two three'],
    ['\u202eevil', 'evil'],
  ])('%j is shown as %j', (text, shown) => expect(printable(text)).toBe(shown));

  test('takes linear time for megabytes of incomplete escapes', () => {
    for (const part of [`${esc}]`, '\u009d', `${esc}[0;`, '\u009b;', `${esc}P`]) {
      const before = process.cpuUsage();
      printable(part.repeat(1_000_000));
      const { user, system } = process.cpuUsage(before);
      // Microseconds; a quadratic one takes hours.
      expect(user + system).toBeLessThan(20_000_000);
    }
  });
});

function createTestPrinter(options: { terminal?: boolean; json?: boolean; quiet?: boolean } = {}) {
  const stdout = new RecordedStream(options.terminal ?? false);
  const stderr = new RecordedStream(options.terminal ?? false);
  const { json = false, quiet = false } = options;
  return { stdout, stderr, printer: createPrinter({ stdout, stderr, json, quiet, colour: false }) };
}

describe('the printer', () => {
  test('puts data on stdout and notes, warnings and errors on stderr', () => {
    const { stdout, stderr, printer } = createTestPrinter();
    printer.line('data', 'green');
    printer.note('note');
    printer.warn('warning');
    printer.error('USAGE', 'error');
    expect(stdout.text).toBe('data\n');
    expect(stderr.text).toBe('note\nswob: warning\nswob: error\n');
  });

  test('prints warnings but no notes when quiet', () => {
    const { stderr, printer } = createTestPrinter({ quiet: true });
    printer.note('note');
    printer.warn('warning');
    expect(stderr.text).toBe('swob: warning\n');
  });

  test('puts tabs between fields, and none into them', () => {
    const { stdout, printer } = createTestPrinter();
    printer.fields([`a\tb${esc}[2J`, '', 'c\nd']);
    expect(stdout.text).toBe('a b\t\tc d\n');
  });

  test('aligns columns by the displayed width of the cells', () => {
    const { stdout, printer } = createTestPrinter();
    printer.table(
      ['A', 'LONG'],
      [
        [`${esc}[31mabc`, 'x'],
        ['a', 'y'],
      ],
    );
    expect(stdout.text).toBe('A    LONG\nabc  x\na    y\n');
  });

  test('aligns cells of wide and combining characters', () => {
    const { stdout, printer } = createTestPrinter();
    printer.table(
      ['USER', 'N'],
      [
        ['日本語', '1'],
        ['e\u0301a', '2'],
        ['📱', '3'],
      ],
    );
    expect(stdout.text).toBe('USER    N\n日本語  1\ne\u0301a      2\n📱      3\n');
  });

  test('escapes control characters in JSON, which keeps the value unchanged', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const { stdout, printer } = createTestPrinter();
        printer.value({ text });
        expect(stdout.text.slice(0, -1)).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
        expect(JSON.parse(stdout.text)).toEqual(JSON.parse(JSON.stringify({ text })));
      }),
    );
  });

  test('erases the lines of a block on a terminal only', () => {
    for (const terminal of [true, false]) {
      const { stdout, printer } = createTestPrinter({ terminal });
      printer.startBlock();
      printer.line('one');
      printer.raw('two\nthree\n');
      printer.startBlock();
      printer.line('four');
      expect(stdout.text).toBe(`one\ntwo\nthree\n${terminal ? `${esc}[3A${esc}[J` : ''}four\n`);
    }
  });

  test('prints an error as one JSON object with --json', () => {
    const { stderr, printer } = createTestPrinter({ json: true });
    printer.error('CONFIG', 'two\nlines');
    expect(JSON.parse(stderr.text)).toEqual({ error: { code: 'CONFIG', message: 'two\nlines' } });
    expect(stderr.text.split('\n')).toHaveLength(2);
  });

  test('prints no colours when they are off, even where chalk would', () => {
    const stdout = new Writable({ write: (_chunk, _encoding, done) => done() });
    const written: string[] = [];
    stdout.write = (chunk: unknown) => written.push(String(chunk)) > 0;
    createPrinter({ stdout, stderr: stdout, json: false, quiet: false, colour: false }).line('x', 'red');
    expect(written).toEqual(['x\n']);
  });
});
