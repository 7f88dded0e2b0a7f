// Documents in many notations: our HOCON reader against @pushcorn/hocon-parser.
//
// Not generated, because the oracle violates the specification there (our reader follows it): an item after `+=`
// becomes text, and so does a number with a fraction; `1.` is a number; `1.0` within a longer text is written
// differently; a value that begins with `include` loads a file; a byte order mark is an error.

import oracle from '@pushcorn/hocon-parser';
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { parseHocon } from '../../src/config/hocon.ts';
import { plain } from '../support/hocon.ts';

const variable = 'HOCON_TEST_ORACLE';

const gap = fc.constantFrom('', ' ', '  ', '\t');
const lineEnd = fc.constantFrom(
  '\n',
  '\r\n',
  '\n\n',
  ' # a comment, { not read ]\n',
  ` // \${neither} "this\n`,
  '\n  \n',
);
const separator = fc.oneof(lineEnd, fc.constantFrom(',', ', ', ' ,\n', '\n,'));
const word = fc.constantFrom(
  'localhost',
  '10s',
  'eltex-doors',
  'IP-адрес',
  '192.168.1.250',
  '/etc/keys.pem',
  'x',
);
const key = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'host', 'wait-timeout', 'public_key', 'a b'),
  fc.constantFrom('"a"', '"dotted.key"', '"="', '"with space"'),
);
const path = fc.array(key, { minLength: 1, maxLength: 3 }).map((keys) => keys.join('.'));

const unquoted = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(' '));
const quoted = fc
  .string({
    unit: fc.constantFrom('a', ' ', '"', '\\', '\n', '\t', 'é', 'Ж', '😀', '#', '{', '$', '=', '/', ',', '.'),
    maxLength: 8,
  })
  .map((text) => JSON.stringify(text));
const tripleQuoted = fc
  .string({ unit: fc.constantFrom('a', ' ', '\n', '\\', '#', '{', '='), minLength: 1, maxLength: 8 })
  .map((text) => `"""${text}"""`);
const literal = fc.oneof(
  fc.integer().map(String),
  fc.constantFrom('1e3', 'true', 'false', 'null', '007', '1.2.3'),
);
/** The names in `definitions` below; the last one is undefined. */
const substitution = fc.constantFrom(
  `\${text}`,
  `\${whole}`,
  `\${deep.er.most}`,
  `\${?text}`,
  `\${?${variable}}`,
  `\${${variable}}`,
  `\${?nowhere.at.all}`,
);
const concatenation = fc
  .tuple(unquoted, substitution, unquoted, gap)
  .map(([a, b, c, g]) => `${a}${g}${b}${c}`);

const { fields } = fc.letrec<{ value: string; fields: string; field: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(unquoted, quoted, tripleQuoted, literal, substitution, concatenation),
    fc.tuple(fc.array(tie('value'), { maxLength: 3 }), separator).map(([items, s]) => `[${items.join(s)}]`),
    fc.tuple(tie('fields'), gap).map(([inner, g]) => `{${g}${inner}\n}`),
    fc.constantFrom(`\${object} {more.z = w, inner = "no"}`, `{more = x} \${?nowhere}\${object}`),
    fc.array(quoted, { maxLength: 2 }).map((items) => `\${list} [${items.join(', ')}]`),
  ),
  field: fc.oneof(
    fc
      .tuple(path, gap, fc.constantFrom('=', ':'), fc.constantFrom('', ' ', '\n'), tie('value'))
      .map((parts) => parts.join('')),
    fc.tuple(path, gap, tie('fields'), lineEnd).map(([p, g, inner, end]) => `${p}${g}{${end}${inner}${end}}`),
  ),
  fields: fc
    .tuple(fc.array(tie('field'), { maxLength: 4 }), separator)
    .map(([all, between]) => all.join(between)),
}));

const definitions =
  'text = some text\nwhole = 42\nobject { inner = 1, more { x = y } }\nlist = [1, two]\ndeep.er.most = "4\\"2"';

const documents = fc.tuple(fields, fields, lineEnd, fc.boolean()).map(([before, after, end, braces]) => {
  const inner = `${before}${end}${definitions}${end}${after}${end}`;
  return braces ? `{${inner}}` : inner;
});

test('both read every document identically', async () => {
  vi.stubEnv(variable, 'from outside');
  onTestFinished(() => void vi.unstubAllEnvs());
  await fc.assert(
    fc.asyncProperty(documents, async (text) => {
      expect(plain(parseHocon(text, process.env))).toEqual(await oracle({ text, strict: true }));
    }),
    { numRuns: 400 },
  );
});
