// include statements of application.conf: what is merged where, what is refused with which words, and all bounds.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readHoconFile } from '../../src/config/hocon-source.ts';
import { temporaryFolder } from '../support/folders.ts';

type Files = Readonly<Record<string, string>>;

/** Reads application.conf of these files: values by key, and errors and warnings with `DIR` for the folder. */
function read(files: Files, env: Readonly<Record<string, string>> = {}) {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return readFolder(folder, env);
}

function readFolder(folder: string, env: Readonly<Record<string, string>> = {}) {
  const values: Record<string, string> = {};
  const origins: Record<string, string> = {};
  const notes: string[] = [];
  const hide = (text: string): string => text.replaceAll(`${folder}/`, '').replaceAll(folder, 'DIR');
  for (const item of readHoconFile(join(folder, 'application.conf'), env)) {
    if ('name' in item) {
      values[item.name] = item.text;
      origins[item.name] = hide(item.origin);
    } else notes.push(hide('error' in item ? item.error : item.warning));
  }
  return { values, origins, notes };
}

describe('what is included', () => {
  test.each([
    'include "pcrf.conf"',
    'include file("pcrf.conf")',
    'include required( file( "pcrf.conf" ) )',
    'include "pcrf"',
    'include "./pcrf.conf" # here',
    'include required("pcrf.conf"), a = 1',
  ])('%s is replaced by the fields of the file, with its own lines', (statement) => {
    const { values, origins } = read({
      'application.conf': `\n${statement}\n`,
      'pcrf.conf': '# of the site\npcrf.host = a\npcrf { port = 7 }\n',
    });
    expect(values).toEqual({ 'pcrf.host': 'a', 'pcrf.port': '7' });
    expect(origins).toEqual({ 'pcrf.host': 'pcrf.conf:2', 'pcrf.port': 'pcrf.conf:3' });
  });

  test('later definitions override earlier ones, in the order of the statements', () => {
    const text = 'pcrf { host = before, port = 1, include "site.conf", port = 3 }';
    const { values, origins } = read({ 'application.conf': text, 'site.conf': 'host = site\nport = 2' });
    expect(values).toEqual({ 'pcrf.host': 'site', 'pcrf.port': '3' });
    expect(origins['pcrf.host']).toBe('site.conf:1');
  });

  test('substitutions of an included file find its own keys first, then those of the first file, then the environment', () => {
    const text = `pcrf { include "site.conf" }\nname = other\nzone = \${pcrf.pool.min}`;
    const site = `name = site\nhost = \${name}-\${ZONE}\nport = \${number}\npool.min = 4\npool.max = \${pool.min}`;
    const { values } = read(
      { 'application.conf': `${text}\nnumber = 9`, 'site.conf': site },
      { ZONE: 'env' },
    );
    expect(values).toMatchObject({
      'pcrf.host': 'site-env',
      'pcrf.port': '9',
      'pcrf.pool.min': '4',
      'pcrf.pool.max': '4',
    });
  });

  test('included files include others, in blocks within blocks, and the same file twice', () => {
    const { values, notes } = read({
      'application.conf': 'include "a.conf"\npcrf.pool { include "numbers" }',
      'a.conf': 'pcrf { include "b.conf" }',
      'b.conf': `timeout = \${max}s\npool { include "numbers.conf" }\ninclude "numbers.conf"\n`,
      'numbers.conf': 'min = 2\nmax = 3',
    });
    expect(values).toEqual({ 'pcrf.timeout': '3s', 'pcrf.pool.min': '2', 'pcrf.pool.max': '3' });
    expect(notes).toEqual([
      'numbers.conf:1: pcrf.min: not a setting of swob, ignored',
      'numbers.conf:2: pcrf.max: not a setting of swob, ignored',
    ]);
  });

  test('a name without extension is both files, and the .conf overrides the .json', () => {
    const { values } = read({
      'application.conf': 'pcrf { include "site" }',
      'site.json': '{"host": "json", "port": 5}',
      'site.conf': 'host = conf',
    });
    expect(values).toEqual({ 'pcrf.host': 'conf', 'pcrf.port': '5' });
  });

  test('a key named include is in quotes, and include begins no longer word', () => {
    const { notes } = read({
      'application.conf': '"include" = x\nincludes = y\ninclude-z = 1\na = include "x"',
    });
    expect(notes.map((note) => note.replace(/:.*?: /, ' '))).toEqual(
      ['include', 'includes', 'include-z', 'a'].map(
        (key) => `application.conf ${key}: not a setting of swob, ignored`,
      ),
    );
  });

  test('a file that does not exist is left out with a warning', () => {
    const { values, notes } = read({ 'application.conf': 'pcrf.host = a\ninclude "local.conf"' });
    expect(values).toEqual({ 'pcrf.host': 'a' });
    expect(notes).toEqual([
      'application.conf:2: "local.conf" does not exist and is left out; include required(…) makes that an error',
    ]);
  });
});

describe('what is refused', () => {
  const misuse =
    'expected include "name.conf", include file("name.conf") or include required("name.conf"); put a key named include in double quotes';
  const elsewhere =
    'only files of the same folder can be included: move the file there, and include it by its name';
  const remote = (kind: string) =>
    `include ${kind}(…) is not supported: copy that file into this folder, and write include "name.conf"`;
  test.each([
    ['include url("http://example.org/x.conf")', remote('url')],
    ['include required(url("file:///x.conf"))', remote('url')],
    ['include classpath("reference.conf")', remote('classpath')],
    ['include x.conf', misuse],
    ['include = 1', misuse],
    ['include=1', misuse],
    ['include', misuse],
    ['include file("x.conf"', 'expected ) after the file name of include'],
    ['include "../x.conf"', elsewhere],
    ['include "sub/x.conf"', elsewhere],
    ['include "/etc/passwd"', elsewhere],
    ['include ".."', elsewhere],
    ['include ""', 'include needs the name of a file'],
    ['include "a\\u0000.conf"', 'include needs the name of a file'],
    ['include required("none.conf")', 'the required file none.conf does not exist in DIR'],
    ['include required("none")', 'the required file none.conf does not exist in DIR'],
    [
      'include "java"',
      'a .properties file cannot be included: write its lines as key = "value" into a .conf file',
    ],
    ['include "sub.conf"', /^cannot read the included file sub\.conf: EISDIR: it is a folder/],
    [
      'a = [{include "ok.conf"}]',
      'include within a list is not supported: insert the content of that file here',
    ],
    ['include "ok.conf" x = 1', '"x" must be in double quotes to be part of a value'],
  ])('%s', (statement, message) => {
    const { values, notes } = read({
      'application.conf': `\n${statement}\n`,
      'ok.conf': 'pcrf.host = ok',
      'java.properties': 'pcrf.host = x',
      'sub.conf/x.conf': '',
    });
    expect(values).toEqual({});
    expect(notes).toHaveLength(1);
    const [note = ''] = notes;
    expect(note.startsWith('application.conf:2: ')).toBe(true);
    const said = note.slice('application.conf:2: '.length);
    if (typeof message === 'string') expect(said).toBe(message);
    else expect(said).toMatch(message);
  });

  test('an error in an included file is reported with that file and its line', () => {
    const files = {
      'application.conf': 'a = 1\nb = 2\ninclude "x.conf"',
      'x.conf': '\npcrf {\n  host = a\n',
    };
    expect(read(files).notes).toEqual(['x.conf:4: the } for line 2 is missing']);
    expect(read({ ...files, 'x.conf': `a = 1\nb = \${nowhere}` }).notes).toEqual([
      `x.conf:2: \${nowhere} is defined neither in this file nor in the environment`,
    ]);
    expect(read({ ...files, 'x.conf': '[1]' }).notes).toEqual(['x.conf:1: expected key = value, not a list']);
  });

  test('a key that two files set under two names names both places', () => {
    const { notes } = read({
      'application.conf': 'include "x.conf"\nvalidation.publicKey = a',
      'x.conf': '\nvalidation.public_key = b',
    });
    expect(notes).toEqual([
      'application.conf:2: validation.publicKey is already set in x.conf:2; remove one of the two',
    ]);
  });

  test('text that is not UTF-8 has its line, and a named pipe is not waited for', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'application.conf'), 'include "x.conf"');
    writeFileSync(join(folder, 'x.conf'), Buffer.from('a = 1\nb = \xe9', 'latin1'));
    expect(readFolder(folder).notes).toEqual([expect.stringMatching(/^x\.conf:2: not UTF-8; save the file/)]);
    execFileSync('mkfifo', [join(folder, 'pipe.conf')]);
    writeFileSync(join(folder, 'application.conf'), 'include "pipe.conf"');
    expect(readFolder(folder).notes).toEqual([
      'application.conf:1: cannot read the included file pipe.conf: it is not a regular file',
    ]);
  });
});

describe('bounds', () => {
  test('a cycle is refused with the names of its files', () => {
    const files = {
      'application.conf': 'include "a.conf"',
      'a.conf': '\ninclude "b"',
      'b.conf': 'x { include "a.conf" }',
    };
    expect(read(files).notes).toEqual([
      'b.conf:1: the files include each other in a cycle: a.conf → b.conf → a.conf; remove one include',
    ]);
    expect(read({ 'application.conf': 'include "application.conf"' }).notes).toEqual([
      'application.conf:1: the files include each other in a cycle: application.conf → application.conf; remove one include',
    ]);
  });

  test('at most 10 files deep', () => {
    const chain = (length: number): Files =>
      Object.fromEntries(
        Array.from({ length: length + 1 }, (_, index) => [
          index === 0 ? 'application.conf' : `f${index}.conf`,
          index === length ? 'pcrf.host = deep' : `include "f${index + 1}.conf"`,
        ]),
      );
    expect(read(chain(10)).values).toEqual({ 'pcrf.host': 'deep' });
    expect(read(chain(11)).notes).toEqual(['f10.conf:1: included files are nested more than 10 deep']);
  });

  test('at most 100 files, although each includes the next one twice', () => {
    const files: Files = Object.fromEntries(
      Array.from({ length: 9 }, (_, index) => [
        index === 0 ? 'application.conf' : `f${index}.conf`,
        `include "f${index + 1}.conf"\ninclude "f${index + 1}.conf"`,
      ]),
    );
    expect(read({ ...files, 'f9.conf': '' }).notes).toEqual([
      expect.stringMatching(/: more than 100 included files$/),
    ]);
  });

  test('all files together have at most 1 MiB', () => {
    const half = `a = "${'x'.repeat(512 * 1024)}"`;
    const files = { 'application.conf': 'include "half.conf"', 'half.conf': half };
    expect(read(files).notes).toEqual(['half.conf:1: a: not a setting of swob, ignored']);
    expect(read({ ...files, 'application.conf': 'include "half.conf"\ninclude "half.conf"' }).notes).toEqual([
      'application.conf:2: with the included files larger than 1 MiB',
    ]);
  });

  test('blocks nest at most 64 levels deep over all files', () => {
    const open = (depth: number, inner: string) => `${'a {'.repeat(depth)}\n${inner}\n${'}'.repeat(depth)}`;
    const deep = (depth: number) =>
      read({ 'application.conf': open(16, 'include "x.conf"'), 'x.conf': open(depth, 'b = 1') }).notes;
    expect(deep(15)).toEqual(['application.conf:1: a: not a setting of swob, ignored']);
    expect(deep(16)).toEqual(['x.conf:2: nested more than 64 deep']);
  });
});

test('a text means the same in one file and spread over an included one', () => {
  const field = fc
    .tuple(
      fc.constantFrom('host', 'port', 'timeout', 'pool.min', 'pool { max'),
      fc.constantFrom('1', 'a b', '"x"', `\${port}`, `\${pcrf.host}`, `\${?none}`),
    )
    .map(([key, value]) => (key.includes('{') ? `${key} = ${value} }` : `${key} = ${value}`));
  const fields = fc.array(field, { maxLength: 4 }).map((lines) => lines.join('\n'));
  const withoutLines = ({ values, notes }: ReturnType<typeof read>) => ({
    values,
    notes: notes.map((note) => note.replace(/^.*?:\d+: /, '')),
  });
  fc.assert(
    fc.property(fields, fields, fields, (before, inside, after) => {
      // Outside an included file `${port}` means the root, so only the included part has both kinds of paths.
      const outer = (text: string) => text.replaceAll(`\${port}`, '2');
      const file = (middle: string) => `pcrf {\n${outer(before)}\n${middle}\n${outer(after)}\n}\n`;
      const one = read({ 'application.conf': file(inside.replaceAll(`\${port}`, `\${pcrf.port}`)) });
      const two = read({ 'application.conf': file('include "x.conf"'), 'x.conf': inside });
      expect(withoutLines(two).values).toEqual(withoutLines(one).values);
      expect(two.notes.length).toBe(one.notes.length);
    }),
    { numRuns: 100 },
  );
});
