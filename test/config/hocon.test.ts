// What hocon-oracle.test.ts cannot ask: lines, faults, bounds, and where the oracle leaves the specification.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHocon } from '../../src/config/hocon.ts';
import { HoconError } from '../../src/config/hocon-nodes.ts';
import { plain } from '../support/hocon.ts';

const read = (text: string, env = {}) => plain(parseHocon(text, env));

/** `line: message` of a text that is refused. */
function faultOf(text: string): string {
  try {
    parseHocon(text, {});
  } catch (error) {
    if (!(error instanceof HoconError)) throw error;
    return `${error.line}: ${error.message}`;
  }
  throw new Error('the text was accepted');
}

describe('values', () => {
  test.each<[string, unknown]>([
    [`a = [1]\na += 2\na += \${?b}\nb = three`, { a: [1, 2, 'three'], b: 'three' }],
    ['a += 1', { a: [1] }],
    ['a = 0.5, b = -2.25', { a: 0.5, b: -2.25 }],
    ['a = 1., b = .5, c = 0x10, d = 007', { a: '1.', b: '.5', c: '0x10', d: '007' }],
    [`a = 1.0\nb = \${a}x`, { a: 1, b: '1.0x' }],
    ['a = include "x"', { a: 'include x' }],
    ['"include" = 1, includes = 2', { include: 1, includes: 2 }],
    ['a = """x""y"""""', { a: 'x""y""' }],
    ['a { b = 1 }\na { c = 2 }\na.d = 3', { a: { b: 1, c: 2, d: 3 } }],
    ['a = 1\na = null', { a: null }],
    ['a = "null", b = "1", c = "true"', { a: 'null', b: '1', c: 'true' }],
    ['', {}],
    ['# nothing', {}],
    ['{}', {}],
  ])('%j', (text, value) => expect(read(text)).toEqual(value));

  test('a number of 19 digits keeps them as text', () => {
    expect(parseHocon('a = 5692549928996307964', {}).fields.get('a')).toMatchObject({
      text: '5692549928996307964',
    });
  });

  test('a byte order mark and the line ends of Windows change nothing', () => {
    const text = 'a {\n  b = x # comment\n  c = [1\n2]\n}\n';
    expect(parseHocon(`\uFEFF${text.replaceAll('\n', '\r\n')}`, {})).toEqual(parseHocon(text, {}));
  });

  test('keys that are names of prototypes are keys like others', () => {
    const { fields } = parseHocon('__proto__ { polluted = yes }\nconstructor.prototype.polluted = yes', {});
    expect([...fields.keys()]).toEqual(['__proto__', 'constructor']);
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('substitutions', () => {
  test.each<[string, unknown]>([
    [`a = x\na = \${a}y\na = \${a}z`, { a: 'xyz' }],
    [`a = \${?a}x`, { a: 'x' }],
    [`a { b = 1 }\na = \${a} { c = 2 }`, { a: { b: 1, c: 2 } }],
    [`a { x = \${a.y}, y = 1 }\na.y = 2`, { a: { x: 2, y: 2 } }],
    [`a = \${b}\nb { c = 1 }\na.d = \${a.c}`, { a: { c: 1, d: 1 }, b: { c: 1 } }],
    [`a = 1\na = \${?missing}`, { a: 1 }],
    [`a = [\${?missing}, 1]`, { a: [1] }],
    [`a = \${?__proto__}\${?constructor}\nb = 1`, { b: 1 }],
  ])('%j', (text, value) => expect(read(text)).toEqual(value));

  test('the file goes before the environment, and an empty variable is a value', () => {
    const text = `HOST = file\na = \${HOST}\nb = \${?PORT}\nc = 1\nc = \${?EMPTY}`;
    expect(read(text, { HOST: 'env', PORT: '70', EMPTY: '' })).toEqual({
      HOST: 'file',
      a: 'file',
      b: '70',
      c: '',
    });
  });

  test.each([
    `a = \${a}`,
    `a = \${b}\nb = \${a}`,
    `a { b = \${a} }`,
    `a = [\${a}]`,
    `a = \${a.b}`,
    `a = \${b}\nb = \${a.c}\n`,
    `a = \${toString}`,
  ])('%j leads nowhere', (text) => expect(faultOf(text)).toMatch(/stands neither in this file nor in/));
});

test('every value knows the line of its key, whatever it was made of', () => {
  const { fields } = parseHocon(`a = 1\n\nb {\n  c = \${a}\n}\nd = """x\ny"""\na =\n\n2 # two`, {});
  const b = fields.get('b');
  expect([...fields].map(([key, { line }]) => [key, line])).toEqual([
    ['a', 8],
    ['b', 3],
    ['d', 6],
  ]);
  expect(b?.kind === 'object' && b.fields.get('c')?.line).toBe(4);
});

describe('faults', () => {
  test.each([
    ['a = 1\nb { c = 2', '2: the } for line 2 is missing'],
    ['a = [1,\n2', '2: the ] for line 1 is missing'],
    ['a = 1\n}', '2: a } with nothing to close'],
    ['{a = 1}\nb = 2', '2: nothing may stand after the last }'],
    ['[1]', '1: expected key = value, not a list'],
    ['\na', '2: expected = or : or { after the key'],
    ['a\n= 1', '1: expected = or : or { after the key'],
    ['a =\n\n', '3: expected a value'],
    ['a = , b = 1', '1: expected a value'],
    ['a = 1,, b = 2', '1: a comma with nothing before it'],
    ['a..b = 1', '1: expected a key'],
    ['= 1', '1: expected a key'],
    ['a = http://x', '1: ":" has to stand in double quotes to be part of a value'],
    ['a = +237', '1: expected a value'],
    ['a = x@y', '1: "@" has to stand in double quotes to be part of a value'],
    ['a = "x\ny"', '1: the " is not closed on its line'],
    ['a = "\\x"', '1: a string in quotes holds an unknown escape or a control character'],
    ['a = """x\n', '1: the """ is never closed'],
    ['\ninclude "other.conf"', '2: include is not supported: put the lines of that file here'],
    ['a { include required(file("x")) }', '1: include is not supported: put the lines of that file here'],
    [`a = \${b`, '1: the substitution is not closed by a }'],
    [`a = \${}`, '1: expected a key in the substitution'],
    ['a = x\na += 1', '2: += needs a list to add to'],
    ['a = [1] x', '1: text, a list and a block cannot make one value'],
  ])('%j', (text, fault) => expect(faultOf(text)).toBe(fault));

  test('no value is ever repeated: it may be a secret', () => {
    for (const text of [
      'a = hunter2 : hunter2',
      'a = "hunter2',
      'a = [hunter2] hunter2',
      'a = hunter2\na += 1',
    ]) {
      expect(faultOf(text)).not.toContain('hunter2');
    }
  });

  test('any text at all is read or refused with a line of its own', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      '.',
      ' ',
      '\n',
      '=',
      ':',
      '{',
      '}',
      '[',
      ']',
      ',',
      '"',
      '"""',
      '+=',
    );
    const other = fc.constantFrom(
      `\${a}`,
      `\${?b}`,
      `\${`,
      '#',
      '//',
      '\\',
      '1',
      '__proto__',
      'include',
      '+',
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.oneof(piece, other), maxLength: 40 }), (text) => {
        try {
          parseHocon(text, {});
        } catch (error) {
          if (!(error instanceof HoconError)) throw error;
          expect(error.line).toBeGreaterThan(0);
          expect(error.line).toBeLessThanOrEqual(text.split('\n').length);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('bounds', () => {
  const nested = (depth: number, open: string, close: string) =>
    `a = ${open.repeat(depth)}1${close.repeat(depth)}`;

  test('the largest file is 1 MiB', () => {
    const text = `a = "${'x'.repeat(1024 * 1024 - 6)}"`;
    expect(read(text)).toEqual({ a: 'x'.repeat(1024 * 1024 - 6) });
    expect(faultOf(`${text} `)).toBe('1: larger than 1 MiB');
  });

  test('blocks, lists and dotted keys nest 64 deep together', () => {
    expect(() => read(nested(63, '[', ']'))).not.toThrow();
    expect(() =>
      read(
        Array.from({ length: 64 }, () => 'a')
          .join('.')
          .concat(' = 1'),
      ),
    ).not.toThrow();
    for (const text of [
      nested(64, '[', ']'),
      nested(64, '{a=', '}'),
      nested(500_000, '[', ''),
      `${'a.'.repeat(64)}a = 1`,
      `${'a.'.repeat(500_000)}a = 1`,
      `a = \${${'a.'.repeat(64)}a}`,
    ]) {
      expect(faultOf(text)).toBe('1: nested more than 64 deep');
    }
  });

  test('substitutions that multiply or wait for each other without end are refused', () => {
    const doubled = (of: (name: string) => string) =>
      Array.from({ length: 40 }, (_, index) => `a${index} = ${of(`\${a${index + 1}}`)}`).join('\n');
    const more = 'the substitutions make more than a configuration can be';
    expect(faultOf(`${doubled((name) => `${name}${name}`)}\na40 = x`)).toContain(more);
    expect(faultOf(`${doubled((name) => `[${name}, ${name}]`)}\na40 = x`)).toContain(more);
    expect(faultOf(`a = ${'x'.repeat(500_000)}\nb = [${`\${a}x,`.repeat(50)}]`)).toContain(more);
    expect(faultOf(`${'a = 1\n'.repeat(90_000)}b = [${`\${a}\n`.repeat(50_000)}]`)).toContain(more);
    const chain = Array.from({ length: 5_000 }, (_, index) => `a${index} = \${a${index + 1}}\n`).join('');
    expect(faultOf(`${chain}a5000 = x`)).toContain('the substitutions lead too deep');
    expect(faultOf('a += 1\n'.repeat(1_000))).toContain('the substitutions lead too deep');
  });
});
