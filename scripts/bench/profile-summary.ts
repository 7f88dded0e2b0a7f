// Summarizes where a process spent its time, from a profile of `node --cpu-prof`. Used by main.ts.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface CallFrame {
  readonly functionName: string;
  /** Empty for native code. */
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

export interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  /** In microseconds of a clock that only goes forward. */
  readonly startTime: number;
  /** Ids of nodes, and the microseconds before each. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Share {
  /** A package, a folder of src, a part of Node, or what V8 and the system did: `fastify`, `src/store`, `node:http`, `writev`. */
  readonly group: string;
  /** Share of the time in which the process was not idle, 0 to 1. */
  readonly share: number;
}

/** Sorted, the largest share first. */
function summarizeProfile(profile: Profile, groupOf: (frame: CallFrame) => string): Share[] {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map<string, number>();
  let all = 0;
  for (const [index, id] of profile.samples.entries()) {
    const frame = frames.get(id);
    if (!frame || frame.functionName === '(idle)') continue;
    const time = profile.timeDeltas[index] ?? 0;
    const group = groupOf(frame);
    times.set(group, (times.get(group) ?? 0) + time);
    all += time;
  }
  return [...times].map(([group, time]) => ({ group, share: time / all })).sort((a, b) => b.share - a.share);
}

const maxGroups = 12;

/** One line for each profile in the folder, which may be missing: `24% writev, 9% fastify, …`. */
export function profileLines(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => {
      const shares = summarizeProfile(
        JSON.parse(readFileSync(join(folder, name), 'utf8')),
        createGroupLookup(),
      );
      const words = shares
        .slice(0, maxGroups)
        .map(({ group, share }) => `${Math.round(share * 100)}% ${group}`);
      return `${words.join(', ')} (${join(folder, name)})`;
    });
}

/** Finds the group of a function, as in `Share`. */
export function createGroupLookup(): (frame: CallFrame) => string {
  const sourceOf = createSourceLookup();
  return (frame) => {
    if (frame.url === '') return frame.functionName;
    if (frame.url.startsWith('node:')) return partOfNode(frame.url);
    return groupOf(sourceOf(frame).file);
  };
}

/** Finds a function of the source or of a package: `list src/domain/seeds/seeds.ts:114`; undefined for those of Node and V8. */
export function createPlaceLookup(): (frame: CallFrame) => string | undefined {
  const sourceOf = createSourceLookup();
  return (frame) => {
    if (frame.url === '' || frame.url.startsWith('node:')) return undefined;
    const { file, line } = sourceOf(frame);
    const path = /\/(?:node_modules\/(.*)|(src\/.*))$/.exec(file);
    return `${frame.functionName || 'a function'} ${path?.[1] ?? path?.[2] ?? file}:${line}`;
  };
}

/** Reads the source map of each bundled file once. */
function createSourceLookup(): (frame: CallFrame) => { readonly file: string; readonly line: number } {
  const maps = new Map<string, SourceMap | undefined>();
  const mapOf = (file: string): SourceMap | undefined => {
    if (!maps.has(file)) maps.set(file, readMap(`${file}.map`));
    return maps.get(file);
  };
  return ({ url, lineNumber, columnNumber }) => {
    const file = url.startsWith('file:') ? fileURLToPath(url) : url;
    // Code that the bundler added has no source in the map.
    const entry: { readonly originalSource?: string; readonly originalLine?: number } =
      mapOf(file)?.findEntry(lineNumber, columnNumber) ?? {};
    const source = entry.originalSource?.replace('file://', '') ?? file;
    return { file: resolve(dirname(file), source), line: (entry.originalLine ?? lineNumber) + 1 };
  };
}

function readMap(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/** The package, or the folder of src, that a file is in. */
function groupOf(path: string): string {
  const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
  if (name !== undefined) return name;
  const [, folder] = /\/(src\/[^/]+)\//.exec(path) ?? [];
  return folder ?? path;
}

/** `node:_http_server` and `node:internal/streams/writable` as `node:http` and `node:streams`. */
function partOfNode(url: string): string {
  const path = url.replace(/^node:(internal\/)?/, '');
  if (path.startsWith('_http')) return 'node:http';
  const [part = path] = path.split('/');
  return `node:${/^(net|stream_base_commons|streams)$/.test(part) ? 'streams' : part}`;
}
