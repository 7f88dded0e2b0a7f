// The checks of `swob doctor` for files and for host names that no check connects to. Used by doctor.ts.

import { lookup } from 'node:dns/promises';
import { isWildcard } from '../../config/cross-field.ts';
import type { Config } from '../../config/schema.ts';
import { SwobError } from '../../errors.ts';
import { type Finding, fail, ok } from '../../lib/finding.ts';
import { unbracketHost } from '../../lib/net.ts';
import type { ConfiguredFile } from '../../store/adapter.ts';
import { createTelecom } from '../../telecom/telecom.ts';
import { readConfigured } from '../doctor/files.ts';
import { type ConfiguredHostname, checkHostname } from '../doctor/hostnames.ts';
import { checkOperators } from '../doctor/operators.ts';
import type { ServiceName } from './context.ts';
import { storeAdapterOf } from './store-adapters.ts';
import { telecomOptions } from './telecom.ts';

/** Problems with files and names are findings, not rejections; `signal` ends the lookups. */
export async function checkFilesAndHostnames(
  config: Config,
  services: readonly ServiceName[],
  signal: AbortSignal,
): Promise<Finding[]> {
  const findings = [
    ...configuredHostnames(config, services).map((name) =>
      checkHostname(name, (host) => lookUpUntilAborted(host, signal)),
    ),
    ...storeAdapterOf(config).configuredFiles.map(checkFileContent),
  ];
  const { operators_file: operatorsFile } = config.seeds;
  if (services.includes('gateway') && operatorsFile !== '') {
    findings.push(checkOperators(operatorsFile, () => createTelecom(telecomOptions(config))));
  }
  return Promise.all(findings);
}

function configuredHostnames(
  { api, websocket, logging }: Config,
  services: readonly ServiceName[],
): ConfiguredHostname[] {
  const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).hostname : '');
  const names: ConfiguredHostname[] = [];
  const add = (name: ConfiguredHostname): void => {
    const host = unbracketHost(name.host);
    if (host !== '' && !isWildcard(host)) names.push({ ...name, host });
  };
  if (logging.gelf_level !== 'off') {
    add({
      check: 'Graylog',
      host: logging.gelf_host,
      key: '[logging] gelf_host',
      consequence: 'no log lines reach it',
    });
  }
  const forPhones = {
    consequence: 'phones cannot reach it unless their DNS resolves the name',
    resolvedByClients: true,
  };
  if (services.includes('gateway')) {
    add({ check: 'public host', host: api.public_host, key: '[api] public_host', ...forPhones });
    add({ check: 'public url', host: hostOf(api.public_url), key: '[api] public_url', ...forPhones });
  }
  if (services.includes('sync')) {
    const host = hostOf(websocket.public_url);
    add({ check: 'websocket url', host, key: '[websocket] public_url', ...forPhones });
  }
  return names;
}

async function checkFileContent({ check, path: file, key }: ConfiguredFile): Promise<Finding> {
  const content = await readConfigured(check, file, 'any');
  if (content.kind === 'unusable') return content.finding;
  if (content.kind === 'missing')
    return fail(check, `${file} does not exist`, `put the file there, or correct ${key}`);
  if (content.text.trim() === '')
    return fail(check, `${file} is empty`, `put the right file there, or correct ${key}`);
  return ok(check, file);
}

/** The system's lookup cannot be cancelled, so this stops waiting for it when the signal aborts. */
function lookUpUntilAborted(host: string, signal: AbortSignal): Promise<string> {
  const aborted = new Promise<never>((_resolve, reject) => {
    const onAbort = (): void => reject(new SwobError('TIMEOUT', 'the lookup timed out'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
  });
  return Promise.race([lookup(host).then(({ address }) => address), aborted]);
}
