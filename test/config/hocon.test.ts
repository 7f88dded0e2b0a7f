// What hocon-oracle.test.ts cannot compare: lines, errors, bounds, and where the oracle violates the specification.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHocon } from '../../src/config/hocon.ts';
import { HoconError } from '../../src/config/hocon-nodes.ts';
import { plain } from '../support/hocon.ts';

const read = (text: string, env = {}) => plain(parseHocon(text, env));

/** `line: message` of a text that is refused. */
function errorOf(text: string): string {
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

  test('a byte order mark and Windows line ends change nothing', () => {
    const text = 'a {\n  b = x # comment\n  c = [1\n2]\n}\n';
    expect(parseHocon(`\uFEFF${text.replaceAll('\n', '\r\n')}`, {})).toEqual(parseHocon(text, {}));
  });

  test('names of prototype members are ordinary keys', () => {
    const { fields } = parseHocon('__proto__ { polluted = yes }\nconstructor.prototype.polluted = yes', {});
    expect([...fields.keys()]).toEqual(['__proto__', 'constructor']);
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('substitutions', () => {
  test.each<[string, unknown]>([
    [`a { x = \${a.y}, y = 1 }\na.y = 2`, { a: { x: 2, y: 2 } }],
    [`a = \${b}\nb { c = 1 }\na.d = \${a.c}`, { a: { c: 1, d: 1 }, b: { c: 1 } }],
    [`a = 1\na = \${?missing}`, { a: 1 }],
    [`a = [\${?missing}, 1]`, { a: [1] }],
    [`a = \${?__proto__}\${?constructor}\nb = 1`, { b: 1 }],
  ])('%j', (text, value) => expect(read(text)).toEqual(value));

  test('the file overrides the environment, and an empty variable is a value', () => {
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
    `a = \${?a}x`,
    `a = x\na = \${a}y`,
    `a = \${b}\nb = \${a}`,
    `a { b = \${a} }`,
    `a = [\${a}]`,
    `a = \${a.b}`,
    `a = \${b}\nb = \${a.c}\n`,
    `q = \${p.a}\np { a = \${p} }`,
  ])('%j refers to itself', (text) => expect(errorOf(text)).toMatch(/^\d: the value refers to itself/));

  test('an undefined substitution is an error, even with the name of an inherited member', () => {
    expect(errorOf(`a = \${toString}`)).toMatch(/^1: \$\{toString\} /);
  });
});

test('every value has the line of its key, however it was composed', () => {
  const { fields } = parseHocon(`a = 1\n\nb {\n  c = \${a}\n}\nd = """x\ny"""\na =\n\n2 # two`, {});
  const b = fields.get('b');
  expect([...fields].map(([key, { line }]) => [key, line])).toEqual([
    ['a', 8],
    ['b', 3],
    ['d', 6],
  ]);
  expect(b?.kind === 'object' && b.fields.get('c')?.line).toBe(4);
});

describe('errors', () => {
  test.each([
    ['a = 1\nb { c = 2', '2: the } for line 2 is missing'],
    ['a = [1,\n2', '2: the ] for line 1 is missing'],
    ['a = 1\n}', '2: a } without its opening bracket'],
    ['{a = 1}\nb = 2', '2: unexpected text after the last }'],
    ['[1]', '1: expected key = value, not a list'],
    ['\na', '2: expected = or : or { after the key'],
    ['a\n= 1', '1: expected = or : or { after the key'],
    ['a =\n\n', '3: expected a value'],
    ['a = , b = 1', '1: expected a value'],
    ['a = 1,, b = 2', '1: a comma with nothing before it'],
    ['a..b = 1', '1: expected a key'],
    ['= 1', '1: expected a key'],
    ['a = http://x', '1: ":" must be in double quotes to be part of a value'],
    ['a = +237', '1: expected a value'],
    ['a = x@y', '1: "@" must be in double quotes to be part of a value'],
    ['a = "x\ny"', '1: the " is not closed on its line'],
    ['a = "\\x"', '1: a string in quotes holds an unknown escape or a control character'],
    ['a = """x\n', '1: the """ is never closed'],
    ['\ninclude "other.conf"', '2: include is not supported: insert the content of that file here'],
    [
      'a { include required(file("x")) }',
      '1: include is not supported: insert the content of that file here',
    ],
    [`a = \${b`, '1: the substitution is not closed by a }'],
    [`a = \${}`, '1: expected a key in the substitution'],
    ['a = [1]\na += 2', '2: += is not supported: write the whole list with key = [ … ]'],
    ['a = [1] x', '1: text, a list and a block cannot be concatenated'],
  ])('%j', (text, message) => expect(errorOf(text)).toBe(message));

  test('no error repeats a value, which may be a secret', () => {
    for (const text of ['a = hunter2 : hunter2', 'a = "hunter2', 'a = [hunter2] hunter2']) {
      expect(errorOf(text)).not.toContain('hunter2');
    }
  });

  test('any text is read or refused with one of its lines', () => {
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

  test('a file may have at most 1 MiB', () => {
    const text = `a = "${'x'.repeat(1024 * 1024 - 6)}"`;
    expect(read(text)).toEqual({ a: 'x'.repeat(1024 * 1024 - 6) });
    expect(errorOf(`${text} `)).toBe('1: larger than 1 MiB');
  });

  test('blocks, lists and dotted keys together nest at most 64 levels deep', () => {
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
      expect(errorOf(text)).toBe('1: nested more than 64 deep');
    }
  });

  test('substitutions that expand exponentially or refer to each other in a cycle are refused', () => {
    const doubled = (of: (name: string) => string) =>
      Array.from({ length: 40 }, (_, index) => `a${index} = ${of(`\${a${index + 1}}`)}`).join('\n');
    const more = 'the substitutions expand to more than the allowed size';
    expect(errorOf(`${doubled((name) => `${name}${name}`)}\na40 = x`)).toContain(more);
    expect(errorOf(`${doubled((name) => `[${name}, ${name}]`)}\na40 = x`)).toContain(more);
    expect(errorOf(`a = ${'x'.repeat(500_000)}\nb = [${`\${a}x,`.repeat(50)}]`)).toContain(more);
    expect(errorOf(`${'a = 1\n'.repeat(90_000)}b = [${`\${a}\n`.repeat(50_000)}]`)).toContain(more);
    const chain = Array.from({ length: 5_000 }, (_, index) => `a${index} = \${a${index + 1}}\n`).join('');
    expect(errorOf(`${chain}a5000 = x`)).toContain('the substitutions are nested too deeply');
  });
});
