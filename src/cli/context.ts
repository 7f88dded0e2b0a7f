// The context that every command receives. Created by program.ts once the command is known; modules that are slow to
// load are imported on first use.

import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
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
  /** Aborts on SIGINT, SIGTERM and a closed stdout. */
  readonly signal: AbortSignal;
}

export interface Context {
  readonly io: Io;
  readonly options: GlobalOptions;
  readonly printer: Printer;
  /** Loads the configuration; throws CONFIG with all errors. */
  loadConfig(hocon?: string): Promise<LoadedConfig>;
  /** Runs `work`, aborting it on SIGINT and SIGTERM (exit codes 130 and 143). */
  interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** The same for work that calls the gateway, at `url` or else at the configured address. */
  withGateway<T>(url: string | undefined, work: (client: GatewayApi) => Promise<T>): Promise<T>;
}

export function createContext(io: Io, options: GlobalOptions): Context {
  const { json, quiet, color: colour } = options;
  const printer = createPrinter({ stdout: io.stdout, stderr: io.stderr, json, quiet, colour });
  const loadConfig = async (hocon?: string): Promise<LoadedConfig> => {
    const [{ loadConfig: load }, { storeRules }] = await Promise.all([
      import('../config/load.ts'),
      import('../app/compose/store-adapters.ts'),
    ]);
    const sources = {
      files: options.config,
      setOptions: options.set,
      ...(hocon !== undefined && { hocon }),
      ...(io.env && { env: io.env }),
    };
    return load(sources, storeRules);
  };
  return {
    io,
    options,
    printer,
    loadConfig,
    interruptible: (work) => interruptible(io, work),
    withGateway: async (url, work) => {
      // Load both concurrently, which shortens the start.
      const [{ config }, { openGatewayApi }] = await Promise.all([
        loadConfig(),
        import('./client/gateway-api.ts'),
      ]);
      return interruptible(io, async (signal) =>
        work({ config, signal, http: await openGatewayApi(config, url, signal) }),
      );
    },
  };
}
