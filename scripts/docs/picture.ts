// docs/architecture.svg: the modules of src and their imports at run time. Used by pages.ts.

import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { importsOf, moduleOf } from '../../test/project/rules.ts';

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

const box = { width: 104, height: 34, gapX: 18, gapY: 62, margin: 20 };

export async function architecturePicture(): Promise<string> {
  const graph = withoutDetours(readGraph());
  return draw(graph, ranksOf(graph));
}

/** Imports between modules that remain at run time. */
function readGraph(): Graph {
  const graph = new Map<string, Set<string>>();
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  for (const path of files.sort().map((name) => posix.join('src', name))) {
    const module = moduleOf(path);
    const imported = graph.get(module) ?? new Set<string>();
    graph.set(module, imported);
    for (const { target, typeOnly } of importsOf(readFileSync(path, 'utf8'))) {
      if (typeOnly || !target.startsWith('.')) continue;
      const file = posix.join(posix.dirname(path), target);
      if (file.startsWith('src/') && moduleOf(file) !== module) imported.add(moduleOf(file));
    }
  }
  return graph;
}

/** Leaves out an import of what a module reaches through another import as well, so that the picture stays readable. */
function withoutDetours(graph: Graph): Graph {
  const reaches = (from: string, to: string): boolean =>
    [...(graph.get(from) ?? [])].some((next) => next === to || reaches(next, to));
  return new Map(
    [...graph].map(([module, imported]) => [
      module,
      new Set([...imported].filter((to) => ![...imported].some((via) => via !== to && reaches(via, to)))),
    ]),
  );
}

/** Rows from the top: each module is below all that import it. */
function ranksOf(graph: Graph): string[][] {
  const ranks = new Map<string, number>();
  const place = (module: string, rank: number): void => {
    if ((ranks.get(module) ?? -1) >= rank) return;
    ranks.set(module, rank);
    for (const imported of graph.get(module) ?? []) place(imported, rank + 1);
  };
  const imported = new Set([...graph.values()].flatMap((modules) => [...modules]));
  for (const module of graph.keys()) if (!imported.has(module)) place(module, 0);
  const rows: string[][] = [];
  for (const module of [...graph.keys()].sort()) {
    const rank = ranks.get(module) ?? 0;
    rows[rank] = [...(rows[rank] ?? []), module];
  }
  return rows;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

function draw(graph: Graph, rows: readonly (readonly string[])[]): string {
  const step = box.width + box.gapX;
  const width = Math.max(...rows.map((row) => row.length)) * step - box.gapX + 2 * box.margin;
  const height = rows.length * (box.height + box.gapY) - box.gapY + 2 * box.margin;
  const places = new Map<string, Place>();
  for (const [rank, row] of rows.entries()) {
    const left = (width - (row.length * step - box.gapX)) / 2;
    const y = box.margin + rank * (box.height + box.gapY);
    for (const [index, module] of ordered(row, graph, places).entries())
      places.set(module, { x: left + index * step + box.width / 2, y });
  }
  const arrows = [...graph]
    .sort()
    .flatMap(([module, imported]) =>
      [...imported].sort().map((to) => arrow(places.get(module), places.get(to), `${module} imports ${to}`)),
    );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    '<title>Modules of src, each above those that it imports</title>',
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">' +
      '<path d="M0 0 8 4 0 8z" fill="#667"/></marker></defs>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...arrows,
    ...[...places].map(([module, place]) => label(module, place)),
    '</svg>',
    '',
  ].join('\n');
}

/** By the mean position of the importers, so that few arrows cross. */
function ordered(row: readonly string[], graph: Graph, places: ReadonlyMap<string, Place>): string[] {
  const mean = (module: string): number => {
    const xs = [...places].filter(([from]) => graph.get(from)?.has(module)).map(([, { x }]) => x);
    return xs.length === 0 ? 0 : xs.reduce((sum, x) => sum + x, 0) / xs.length;
  };
  return [...row].sort((a, b) => mean(a) - mean(b) || (a < b ? -1 : 1));
}

function arrow(from: Place | undefined, to: Place | undefined, title: string): string {
  if (!from || !to) throw new Error(`${title}, which has no place`);
  const [y1, y2] = [from.y + box.height, to.y - 1];
  const bend = box.gapY / 2;
  const path = `M${from.x} ${y1}C${from.x} ${y1 + bend} ${to.x} ${y2 - bend} ${to.x} ${y2}`;
  return `<path d="${path}" fill="none" stroke="#667" marker-end="url(#head)"><title>${title}</title></path>`;
}

function label(module: string, { x, y }: Place): string {
  const rect = `<rect x="${x - box.width / 2}" y="${y}" width="${box.width}" height="${box.height}" rx="5" fill="#eef3fa" stroke="#3a5a8c"/>`;
  const text = `<text x="${x}" y="${y + box.height / 2 + 5}" text-anchor="middle" fill="#123">${module}</text>`;
  return `<g>${rect}${text}</g>`;
}
