// Checks the container files as far as that works without a container engine.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { playgroundParts } from '../../src/cli/playground/playground.ts';
import { loadConfig } from '../../src/config/load.ts';
import { runProcess, runSwob, startProcess, startSwob, swobScript } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs, python } from '../support/needs.ts';
import { patient } from '../support/patience.ts';
import { freePorts } from '../support/ports.ts';
import { redisNeeds } from '../support/redis-server.ts';

const folder = 'confs/docker';
const dockerfile = readFileSync(join(folder, 'Dockerfile'), 'utf8');
const composeText = readFileSync(join(folder, 'compose.yml'), 'utf8');
const ignored = readFileSync(join(folder, 'Dockerfile.dockerignore'), 'utf8').split('\n');

/** Instructions with their arguments, without comments and with continued lines joined. */
const instructions = dockerfile
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => {
    const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    return { name, rest };
  });

test('the Dockerfile has two stages, copies files that exist, and does not run as root', () => {
  const known = [
    'ARG',
    'FROM',
    'WORKDIR',
    'COPY',
    'RUN',
    'USER',
    'ENV',
    'EXPOSE',
    'STOPSIGNAL',
    'HEALTHCHECK',
  ];
  for (const { name } of instructions) expect([...known, 'ENTRYPOINT', 'CMD']).toContain(name);
  expect(instructions.filter(({ name }) => name === 'FROM')).toHaveLength(2);
  const copies = instructions.filter(({ name, rest }) => name === 'COPY' && !rest.startsWith('--from='));
  const sources = copies.flatMap(({ rest }) => rest.split(' ').slice(0, -1));
  expect(sources).toContain('src');
  for (const source of sources) {
    expect(existsSync(source), source).toBe(true);
    expect(ignored).toContain(`!${source}`);
  }
  expect(instructions.findLast(({ name }) => name === 'USER')?.rest).toBe('swob');
  const last = instructions.map(({ name }) => name);
  expect(last.lastIndexOf('USER')).toBeGreaterThan(last.lastIndexOf('RUN'));
});

const checkKeys = (env: Readonly<Record<string, string>>): void => {
  const conf = join(temporaryFolder(), 'conf.ini');
  execFileSync('touch', [conf]);
  expect(() => loadConfig({ files: [conf], env })).not.toThrow();
};

test('Node and swob know each variable that the Dockerfile sets', async () => {
  const env: Record<string, string> = {};
  for (const { rest } of instructions.filter(({ name }) => name === 'ENV'))
    for (const [, name = '', quoted, bare] of rest.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g))
      env[name] = quoted ?? bare ?? '';
  expect(Object.keys(env)).toEqual(['NODE_OPTIONS', 'SWOB_API_HOST', 'SWOB_WEBSOCKET_HOST']);
  checkKeys(env);
  const cwd = temporaryFolder();
  const options = { cwd, env: { NODE_OPTIONS: env.NODE_OPTIONS ?? '' } };
  expect(await runSwob(['--version'], options)).toMatchObject({ code: 0, stderr: '' });
});

interface Service {
  readonly image?: string;
  readonly mem_limit?: string;
  readonly restart?: string;
  readonly command?: readonly string[];
  readonly profiles?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

function readCompose(context: TestContext): Compose {
  needs(context, { module: 'yaml' });
  const script = 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))';
  const json = execFileSync(python, ['-c', script], { input: composeText, encoding: 'utf8' });
  // Compose replaces variables after parsing; without an environment each has its default.
  const withDefaults = (_key: string, value: unknown): unknown =>
    typeof value === 'string' ? value.replace(/\$\{\w+(?::-(.*?))?\}/g, '$1') : value;
  // A cast is enough: the expectations below fail for missing members.
  return JSON.parse(json, withDefaults) as Compose;
}

test('compose.yml has the documented limits, volumes, ports and restarts; playground, RabbitMQ and Redis are optional', (context) => {
  const { services, volumes } = readCompose(context);
  expect(Object.keys(services)).toEqual(['disconnect', 'gateway', 'playground', 'rabbitmq', 'redis']);
  for (const name of ['disconnect', 'gateway'])
    expect(services[name]).toMatchObject({
      image: 'swob:latest',
      mem_limit: '256m',
      restart: 'unless-stopped',
      environment: { TZ: 'UTC' },
    });
  expect(services.disconnect?.ports).toEqual(['9096:9096']);
  const mounted = services.disconnect?.volumes?.map((volume) => volume.split(':')[0]);
  expect(mounted).toContain('/etc/eltex-disconnect-service');
  expect(mounted).toContain('/etc/eltex-doors/keys');
  expect(services.playground).toMatchObject({ profiles: ['playground'], restart: 'no', mem_limit: '256m' });
  expect(services.playground?.ports).toEqual(['127.0.0.1:7000-7007:7000-7007', '127.0.0.1:7007:7007/udp']);
  expect(playgroundParts).toHaveLength(8);
  expect(services.rabbitmq?.profiles).toEqual(['rabbitmq']);
  expect(services.redis?.profiles).toEqual(['redis']);
  const named = Object.values(services)
    .flatMap((service) => service.volumes ?? [])
    .map((volume) => volume.split(':')[0] ?? '')
    .filter((source) => /^[a-z]/.test(source));
  expect(Object.keys(volumes)).toEqual(named);
});

test('compose.yml uses variables of env.example, configuration keys and commands that exist', async (context) => {
  const { services } = readCompose(context);
  const example = readFileSync(join(folder, 'env.example'), 'utf8');
  const set = new Set([...example.matchAll(/^#?(\w+)=/gm)].map(([, name]) => name));
  for (const [, name] of composeText.matchAll(/\$\{(\w+)/g)) expect(set).toContain(name);
  const cwd = temporaryFolder();
  for (const name of ['disconnect', 'gateway', 'playground']) {
    const { environment = {}, command = [], healthcheck } = services[name] ?? {};
    checkKeys(environment);
    expect(await runSwob([...command, '--help'], { cwd })).toMatchObject({ code: 0 });
    const [kind, program, ...words] = healthcheck?.test ?? [];
    expect([kind, program]).toEqual(['CMD', 'swob']);
    // Nothing listens there: a valid command line exits with 75, an invalid one with 64.
    const ports = words.map((word) => word.replace(/:\d+$/, ':1').replace(/^5s$/, '100ms'));
    expect(await runSwob(ports, { cwd })).toMatchObject({ code: 75 });
  }
});

test('the health check of the image passes beside a playground, and fails without any service', async () => {
  const { rest = '' } = instructions.find(({ name }) => name === 'HEALTHCHECK') ?? {};
  const check = rest.replace(/^.*? CMD /, '').replace('--timeout 5s', '--timeout 1s');
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, 'swob'), `#!/bin/sh\nexec "${process.execPath}" "${swobScript}" "$@"\n`, {
    mode: 0o755,
  });
  const [gateway, sync] = await freePorts(2);
  const env = {
    PATH: `${cwd}:${process.env.PATH}`,
    XDG_RUNTIME_DIR: cwd,
    // Where no other service of this machine listens.
    SWOB_API_PORT: String(gateway),
    SWOB_WEBSOCKET_PORT: String(sync),
  };
  expect(await runProcess('sh', ['-c', check], { cwd, env })).toMatchObject({ code: 75 });
  startProcess(process.execPath, [swobScript, 'playground'], { cwd, env: { XDG_RUNTIME_DIR: cwd } });
  await expect
    .poll(() => readdirSync(cwd), { timeout: patient(20_000) })
    // The file itself: a temporary one beside it exists before the playground is ready.
    .toContainEqual(expect.stringMatching(/^swob-playground-.*\.json$/));
  const { SWOB_API_PORT: _api, SWOB_WEBSOCKET_PORT: _websocket, ...image } = env;
  const patientCheck = check.replace('--timeout 1s', `--timeout ${Math.ceil(patient(60))}s`);
  expect(await runProcess('sh', ['-c', patientCheck], { cwd, env: image })).toMatchObject({ code: 0 });
});

test('the Redis of compose.yml starts with its command, and swob connects with the URL of env.example', async (context) => {
  needs(context, ...redisNeeds);
  const { services } = readCompose(context);
  const [program = '', ...args] = services.redis?.command ?? [];
  const cwd = temporaryFolder();
  const [port = 0] = await freePorts(1);
  const redis = startProcess(program, [...args, '--port', String(port)], { cwd });
  await redis.waitForOutput('stdout', 'Ready to accept connections');
  const example = readFileSync(join(folder, 'env.example'), 'utf8');
  const [, url = ''] = /^#STORE_URL=(redis:.*)$/m.exec(example) ?? [];
  const here = url.replace('redis:6379', `127.0.0.1:${port}`);
  const config = join(cwd, 'conf.ini');
  writeFileSync(config, '');
  const env = { ...services.gateway?.environment, SWOB_CONFIG: config, SWOB_STORE_URL: here, TZ: 'UTC' };
  await startSwob(['serve', 'gateway', '--set', 'api.port=0', '--set', 'websocket.port=1'], { cwd, env });
});
