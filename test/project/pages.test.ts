// What holds for all pages of documentation: links lead somewhere, and what sources cite is there.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { layers } from './rules.ts';

const pages = [
  ...readdirSync('.').filter((name) => name.endsWith('.md')),
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
  'confs/docker/README.md',
];

/** As GitHub makes the anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

function anchorsIn(path: string): string[] {
  const text = readFileSync(path, 'utf8').replace(/^```.*?^```/gms, '');
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
}

function brokenLinks(page: string): string[] {
  const text = readFileSync(page, 'utf8').replace(/^```.*?^```/gms, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^\w+:/.test(link)) return [];
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? page : join(dirname(page), file);
    if (!existsSync(target)) return [`${page}: ${link}`];
    return anchor === undefined || anchorsIn(target).includes(anchor) ? [] : [`${page}: ${link}`];
  });
}

test('links between pages lead to files and headings that exist', () => {
  expect(pages.length).toBeGreaterThan(10);
  expect(pages.flatMap(brokenLinks)).toEqual([]);
});

test('files of the repository that pages name exist', () => {
  const named = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/`((?:src|test|scripts|confs|bin|docs)\/[\w./-]*)`/g)].map(
      ([, path = '']) => ({ page, path }),
    ),
  );
  expect(named.length).toBeGreaterThan(40);
  // What `swob config init` writes.
  const made = ['confs/conf.ini'];
  for (const { page, path } of named)
    expect(existsSync(path) || made.includes(path), `${page}: ${path}`).toBe(true);
});

test('what sources and tests cite of docs/protocol.md exists', () => {
  const protocol = readFileSync('docs/protocol.md', 'utf8');
  const headings = [...protocol.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
  const rows = [...protocol.matchAll(/^\| ([A-Z]\d+) \|/gm)].map(([, id]) => id);
  const files = ['src', 'test'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(folder, name)),
  );
  const cited = files.flatMap((file) => {
    const text = readFileSync(file, 'utf8').replace(/\n\/\/ ?/g, ' ');
    return [...text.matchAll(/docs\/protocol\.md,? (?:"([^"]+)"|([A-Z]\d+))/g)];
  });
  expect(cited.length).toBeGreaterThan(30);
  for (const [citation, heading, row] of cited)
    expect(heading === undefined ? rows : headings, citation).toContain(heading ?? row);
});

test('docs/architecture.md lists the modules of src, and the rules give each a layer', () => {
  const [, section = ''] = /^## Modules$(.*?)^## /ms.exec(readFileSync('docs/architecture.md', 'utf8')) ?? [];
  const documented = [...section.matchAll(/^\| `([\w.]+)` \|/gm)].map(([, name]) => name);
  const present = readdirSync('src').sort();
  expect(documented.sort()).toEqual(present);
  expect(layers.flat().sort()).toEqual(present);
});
