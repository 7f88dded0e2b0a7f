// The house plan as tables, and the check of sources against them. Used by architecture.test.ts.

import { posix } from 'node:path';
import { transform } from 'esbuild';

export interface SourceFile {
  /** From the root of the project: `src/store/memory.ts`. */
  readonly path: string;
  readonly text: string;
}

/** Rooms from the top floor down. A room imports from itself and from lower floors only. */
const floors = [
  ['cli'],
  ['app'],
  ['gateway', 'sync', 'disconnect'],
  ['http'],
  ['store', 'bus', 'metrics'],
  ['upstream'],
  ['stubs'],
  ['telecom'],
  ['domain'],
  ['crypto'],
  ['config'],
  ['folders.ts'],
  ['printable.ts'],
  ['errors.ts'],
];

/** Rooms of adapters: from outside only `importers` name them; everybody else gets the port injected. */
const adapters: Record<string, readonly string[]> = {
  store: ['src/app/compose/'],
  bus: ['src/app/compose/'],
  metrics: ['src/app/compose/'],
  upstream: ['src/app/compose/'],
  telecom: ['src/app/compose/'],
  stubs: ['src/cli/'],
};

/** Files whose types every room may import. */
const sharedTypes = ['src/domain/ports.ts', 'src/domain/model.ts'];

/** The rooms that may use a package at run time. */
const packageOwners: Record<string, readonly string[]> = {
  '@fastify/proxy-addr': ['app'],
  '@fastify/swagger': ['gateway'],
  '@fastify/swagger-ui': ['gateway'],
  '@fastify/type-provider-typebox': ['gateway'],
  '@redis/client': ['store'],
  amqplib: ['upstream', 'cli'],
  chalk: ['cli', 'app'],
  'cli-progress': ['cli'],
  commander: ['cli'],
  fastify: ['http'],
  ini: ['config'],
  jsonwebtoken: ['crypto'],
  'libphonenumber-geo-carrier': ['telecom'],
  'libphonenumber-js': ['telecom'],
  lowdb: ['store'],
  'lru-cache': ['store', 'upstream', 'gateway', 'sync', 'stubs', 'telecom'],
  'mcc-mnc-list': ['telecom'],
  'node-fetch': ['upstream'],
  'node-forge': ['crypto'],
  pino: ['app'],
  'prom-client': ['metrics'],
  'qrcode-terminal': ['cli'],
  'request-filtering-agent': ['upstream'],
  'tough-cookie': ['upstream'],
  typebox: ['gateway', 'disconnect'],
  undici: ['upstream'],
  'write-file-atomic': ['crypto'],
  ws: ['sync', 'bus', 'cli'],
};

/** What is left of node to the domain: no IO, no time, no chance. */
const domainNodeModules = ['node:buffer', 'node:url', 'node:util'];

/** Globals that only some files may use; they have to be used as globals, so that this finds them. */
const guardedGlobals: { name: string; allowed: (path: string) => boolean }[] = [
  { name: 'process.env', allowed: (path) => path.startsWith('src/config/') },
  { name: 'process.exit', allowed: (path) => path === 'src/app/lifecycle.ts' },
  { name: 'console', allowed: () => false },
];
const modulesOfGlobals = ['node:process', 'process', 'node:console', 'console'];

const maxLines = 300;

/** Every breach of the plan, as `path: what is wrong`. */
export async function breaches(files: readonly SourceFile[]): Promise<string[]> {
  const found = await Promise.all(files.map(breachesOf));
  return found.flat();
}

async function breachesOf(file: SourceFile): Promise<string[]> {
  const faults = [
    ...formFaults(file),
    ...importsOf(file.text).flatMap((found) => importFaults(file.path, found)),
  ];
  return [...faults, ...(await globalFaults(file))].map((fault) => `${file.path}: ${fault}`);
}

function formFaults({ text }: SourceFile): string[] {
  const lines = text.trimEnd().split('\n').length;
  return [
    ...(lines > maxLines ? [`${lines} lines, more than ${maxLines}`] : []),
    ...(/^\/\/ \S/.test(text) ? [] : ['does not open with a // line that says what it is for']),
  ];
}

interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
}

/** Static imports and re-exports begin a line (the formatter sees to it); import() and require() may stand anywhere. */
export function importsOf(text: string): Import[] {
  const statement = /^(?:import|export)\s+(type\s)?(?:[\w*{][^'"`;]*?\sfrom\s+)?'([^']+)'/gm;
  const call = /(?:\bimport|\brequire)\(\s*(?:'([^']+)')?/g;
  const code = text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  return [
    ...[...code.matchAll(statement)].map((match) => ({
      target: match[2] ?? '',
      typeOnly: match[1] !== undefined,
    })),
    ...[...code.matchAll(call)].map((match) => ({ target: match[1] ?? '(computed)', typeOnly: false })),
  ];
}

function importFaults(path: string, { target, typeOnly }: Import): string[] {
  const room = roomOf(path);
  if (target === '(computed)') return ['imports a module by a computed name'];
  if (target.startsWith('.')) {
    const imported = posix.join(posix.dirname(path), target);
    if (imported === 'package.json') return [];
    if (typeOnly && sharedTypes.includes(imported)) return [];
    const faults = floorFaults(room, imported);
    return faults.length > 0 ? faults : adapterFaults(path, room, imported);
  }
  if (modulesOfGlobals.includes(target)) return [`imports ${target}; use the global`];
  if (target.startsWith('node:')) {
    const allowed = room !== 'domain' || typeOnly || domainNodeModules.includes(target);
    return allowed ? [] : [`the domain does no IO, but imports ${target}`];
  }
  return typeOnly ? [] : packageFaults(room, target);
}

function floorFaults(room: string, imported: string): string[] {
  const importedRoom = roomOf(imported);
  const [from, to] = [floorOf(room), floorOf(importedRoom)];
  if (from < 0) return [`${room} has no floor in the house plan`];
  if (to < 0) return [`imports ${imported}, which has no floor in the house plan`];
  if (room === importedRoom || from < to) return [];
  return [`${room} imports ${from === to ? 'its neighbour' : 'upwards from'} ${importedRoom} (${imported})`];
}

function adapterFaults(path: string, room: string, imported: string): string[] {
  const importedRoom = roomOf(imported);
  const importers = adapters[importedRoom];
  if (!importers || room === importedRoom || importers.some((allowed) => path.startsWith(allowed))) return [];
  return [`names the adapter ${imported}; only ${importers.join(', ')} may`];
}

function packageFaults(room: string, target: string): string[] {
  const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/');
  const owners = packageOwners[name];
  if (!owners) return [`imports ${name}, which no room owns yet`];
  return owners.includes(room) ? [] : [`imports ${name}, which belongs to ${owners.join(', ')}`];
}

/** esbuild knows a global from a local name, a comment and a text. */
async function globalFaults({ path, text }: SourceFile): Promise<string[]> {
  const guarded = guardedGlobals.filter(({ allowed }) => !allowed(path));
  const marker = (index: number) => `forbidden_global_${index}_`;
  const define = Object.fromEntries(guarded.map(({ name }, index) => [name, marker(index)]));
  const { code } = await transform(text, { loader: 'ts', define });
  return guarded.filter((_, index) => code.includes(marker(index))).map(({ name }) => `uses ${name}`);
}

/** `store` of `src/store/memory.ts`, `errors.ts` of `src/errors.ts`. */
function roomOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function floorOf(room: string): number {
  return floors.findIndex((rooms) => rooms.includes(room));
}
