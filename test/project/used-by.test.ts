// The files that the head of a source file names after "Used by" import it. A file that moved its caller has a stale head otherwise.

import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { importsOf } from './rules.ts';

interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const sources: SourceFile[] = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => ({ path: `src/${name}`, text: readFileSync(`src/${name}`, 'utf8') }));

/** `a.ts` and `b/c.ts` of `Used by a.ts and b/c.ts`; what else uses the file, such as a command, is not looked for. */
function namedUsers(text: string): string[] {
  const head = /^(?:\/\/.*\n)+/.exec(text)?.[0].replaceAll(/\n?\/\/ ?/g, ' ') ?? '';
  const list = /\bUsed by ((?:[\w/.-]+\.tsx?(?:, and |, | and )?)+)/.exec(head)?.[1] ?? '';
  return list.match(/[\w/.-]+\.tsx?/g) ?? [];
}

function staleHeads(files: readonly SourceFile[]): string[] {
  const users = new Map<string, string[]>();
  for (const { path, text } of files)
    for (const { target } of importsOf(text)) {
      const imported = posix.join(posix.dirname(path), target);
      users.set(imported, [...(users.get(imported) ?? []), path]);
    }
  return files.flatMap(({ path, text }) =>
    namedUsers(text)
      .filter((name) => !users.get(path)?.some((user) => `/${user}`.endsWith(`/${name}`)))
      .map((name) => `${path}: ${name} does not import it`),
  );
}

test('the files that are named as users of a file import it', () => {
  expect(sources.flatMap(({ text }) => namedUsers(text)).length).toBeGreaterThan(100);
  expect(staleHeads(sources)).toEqual([]);
});

test('a file that is named and does not import it is found', () => {
  const head = '// Does a thing. Used by b.ts, lib/c.ts and\n// d.ts; see e.ts.\n\n';
  const user = { path: 'src/b.ts', text: "// Uses it.\nimport { a } from './a.ts';\n" };
  expect(staleHeads([{ path: 'src/a.ts', text: head }, user])).toEqual([
    'src/a.ts: lib/c.ts does not import it',
    'src/a.ts: d.ts does not import it',
  ]);
});
