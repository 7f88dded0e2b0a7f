// The generated documentation is what the source and the running daemon say, and misses nothing of them.

import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { metricsOf } from '../../scripts/docs/metrics.ts';
import { generatedFiles } from '../../scripts/docs/pages.ts';
import { readServices, type Services } from '../../scripts/docs/services.ts';
import { commands } from '../../src/cli/command-table.ts';
import { loadConfig } from '../../src/config/load.ts';
import { errorCatalogue } from '../../src/errors.ts';
import { metricCatalogue } from '../../src/metrics/catalogue.ts';

let services: Services;
beforeAll(async () => {
  services = await readServices();
});

const reference = (name: string): string => readFileSync(`docs/reference/${name}.md`, 'utf8');
const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, found = '']) => found);
const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ path: `src/${name}`, text: readFileSync(`src/${name}`, 'utf8') }));

test('every generated file is up to date; `npm run docs` writes them', async () => {
  const files = await generatedFiles(services);
  const present = readdirSync('docs/reference').map((name) => `docs/reference/${name}`);
  expect(Object.keys(files)).toEqual(expect.arrayContaining(present));
  for (const [path, text] of Object.entries(files)) expect(readFileSync(path, 'utf8'), path).toBe(text);
});

test('the page of commands has each command, and no other', () => {
  expect(matches(reference('commands'), /^## swob (.*)$/gm)).toEqual(commands.map(({ path }) => path));
});

test('the page of the configuration has each key, and no other', () => {
  const { config } = loadConfig({ files: ['/dev/null'], env: {} });
  const keys = Object.entries(config).flatMap(([section, values]) =>
    Object.keys(values).map((key) => `${section}.${key}`),
  );
  const documented = reference('configuration')
    .split(/^## /m)
    .flatMap((part) => {
      const [, section] = /^\[([\w.]+)\]/.exec(part) ?? [];
      return section === undefined ? [] : matches(part, /^\| `(\w+)` \|/gm).map((key) => `${section}.${key}`);
    });
  expect(documented).toEqual(keys);
});

test('the page of metrics has each metric of the catalogue, and no other', () => {
  const registered = new Set(Object.keys(metricCatalogue));
  const shown = metricsOf(services.metrics).map(({ name }) => name);
  expect(shown.sort()).toEqual([...registered].sort());
  expect(matches(reference('metrics'), /^\| `(\w+)` \|/gm).sort()).toEqual([...registered].sort());
});

test('the page of errors has each error code and close code, and no other', () => {
  const [errors = '', , closes = ''] = reference('errors').split(/^## (?=Exit|Close)/m);
  expect(matches(errors, /^\| `(\w+)` \|/gm)).toEqual(Object.keys(errorCatalogue));
  const used = sources
    .filter(({ path }) => path.startsWith('src/sync/'))
    .flatMap(({ text }) => matches(text, /\bcode: (\d{4})\b/g));
  expect([...new Set(matches(closes, /^\| (\d{4}) \|/gm))]).toEqual([...new Set(used)].sort());
});

test('the page of routes has each route that the source declares', () => {
  // The routes of pages are not an API for other programs.
  const api = sources.filter(({ path }) => !path.startsWith('src/console/'));
  const declared = api.flatMap(({ text }) =>
    matches(text, /\bapp\.(?:get|post|put|delete)\(\s*'(\/[^']*)'/g).map((path) =>
      path.replace(/:(\w+)/g, '{$1}'),
    ),
  );
  expect(declared.length).toBeGreaterThan(15);
  const documented = new Set(matches(reference('routes'), /^### [A-Z]+ (\S+)$/gm));
  expect(declared.filter((path) => !documented.has(path))).toEqual([]);
});
