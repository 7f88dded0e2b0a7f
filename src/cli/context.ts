// The context that every command receives. Created by program.ts once the command is known.

import { storeRules } from '../app/compose/store-adapters.ts';
import { type LoadedConfig, loadConfig as loadFrom } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { openGatewayApi } from './client/gateway-api.ts';
import type { HttpClient } from './client/http-client.ts';
import { interruptible } from './interrupt.ts';
import type { Io } from './io.ts';
import { createPrinter, type Printer } from './terminal/printer.ts';

/** The options of every command. */
export interface GlobalOptions {
  /** Files; later ones override earlier ones. */
  readonly config: readonly string[];
  /** `section.key=value`. */
  readonly set: readonly string[];
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
}

export interface GatewayApi {
  readonly config: Config;
  readonly http: HttpClient;
  /** Aborts on SIGINT, SIGTERM, SIGHUP and a closed stdout. */
  readonly signal: AbortSignal;
}

export interface Context {
  readonly io: Io;
  readonly options: GlobalOptions;
  readonly printer: Printer;
  /** Loads the configuration; throws CONFIG with all errors. */
  loadConfig(hocon?: string): Promise<LoadedConfig>;
  /** Runs `work`, aborting it on SIGINT, SIGTERM and SIGHUP (exit codes 130, 143 and 129). */
  interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** The same for work that calls the gateway, at `url` or else at the configured address. */
  withGateway<T>(url: string | undefined, work: (client: GatewayApi) => Promise<T>): Promise<T>;
}

export function createContext(io: Io, options: GlobalOptions): Context {
  const { json, quiet, color: colour } = options;
  const printer = createPrinter({ stdout: io.stdout, stderr: io.stderr, json, quiet, colour });
  const loadConfig = async (hocon?: string): Promise<LoadedConfig> => {
    const sources = {
      files: options.config,
      setOptions: options.set,
      ...(hocon !== undefined && { hocon }),
      ...(io.env && { env: io.env }),
    };
    return loadFrom(sources, storeRules);
  };
  return {
    io,
    options,
    printer,
    loadConfig,
    interruptible: (work) => interruptible(io, work),
    withGateway: async (url, work) => {
      const { config } = await loadConfig();
      return interruptible(io, async (signal) =>
        work({ config, signal, http: await openGatewayApi(config, url, signal) }),
      );
    },
  };
}
