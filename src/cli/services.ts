// The names of services on the command line, and where those of a configuration are. Used by `serve`, `status`, `wait`
// and `doctor`.

import type { ServiceName } from '../app/compose/world.ts';
import { defaultServices } from '../app/default-services.ts';
import type { Config } from '../config/schema.ts';
import { SwobError } from '../errors.ts';
import { type Daemon, findDisconnect, findGateway, findSync } from './daemon.ts';

export const services: readonly ServiceName[] = ['gateway', 'sync', 'disconnect'];

/** Throws USAGE for a word that names none. */
export function serviceName(word: string): ServiceName {
  const name = services.find((candidate) => candidate === word);
  if (!name)
    throw new SwobError('USAGE', `no service is called "${word}"; there are: ${services.join(', ')}`);
  return name;
}

/** The named services, in the order of the list; those that `swob serve` runs when there is no name. */
export async function servicesOf(config: Config, words: readonly string[]): Promise<ServiceName[]> {
  const names = words.length > 0 ? new Set(words.map(serviceName)) : await defaultServices(config);
  return services.filter((name) => names.has(name));
}

export interface NamedDaemon extends Daemon {
  /** Undefined for one that was given by its URL alone. */
  readonly name: ServiceName | undefined;
}

const finders = { gateway: findGateway, sync: findSync, disconnect: findDisconnect };

/**
 * The daemons at these URLs; without any, those of the configuration. Throws USAGE for a URL that is none, and when the
 * configuration leaves a port open.
 */
export async function findDaemons(
  config: Config,
  words: readonly string[],
  urls: readonly string[],
): Promise<NamedDaemon[]> {
  if (urls.length > 0) {
    if (words.length > 0) throw new SwobError('USAGE', 'name services or give --url, not both');
    return Promise.all(urls.map((url) => findByUrl(config, url)));
  }
  const ports = { gateway: config.api.port, sync: config.websocket.port, disconnect: config.disconnect.port };
  const wanted = await servicesOf(config, words);
  return Promise.all(
    wanted.map(async (name) => {
      if (ports[name] === 0) {
        throw new SwobError(
          'USAGE',
          `the port of ${name} is 0 in the configuration; say where it is with --url`,
        );
      }
      return { name, ...(await finders[name](config, undefined)) };
    }),
  );
}

/** By its port, because each service may have a certificate of its own. */
async function findByUrl(config: Config, given: string): Promise<NamedDaemon> {
  const url = given.replace(/^ws(s?):/, 'http$1:');
  const port = URL.canParse(url) ? Number(new URL(url).port) : Number.NaN;
  const find =
    port === config.websocket.port
      ? findSync
      : port === config.disconnect.port
        ? findDisconnect
        : findGateway;
  return { name: undefined, ...(await find(config, url)) };
}
