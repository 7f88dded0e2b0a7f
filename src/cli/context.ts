// What a command gets to work with. Made by program.ts once the chosen command is known; whatever
// costs time to import is imported when it is asked for.

import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { HttpClient } from './http-client.ts';
import { interruptible } from './interrupt.ts';
import type { Io } from './io.ts';
import { createPrinter, type Printer } from './printer.ts';

/** The options that every command has. */
export interface GlobalOptions {
  /** Files, in the order in which later ones win. */
  readonly config: readonly string[];
  /** `section.key=value`. */
  readonly set: readonly string[];
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
}

export interface Client {
  readonly config: Config;
  readonly http: HttpClient;
  /** Aborts on SIGINT, SIGTERM and a closed stdout. */
  readonly signal: AbortSignal;
}

export interface Context {
  readonly io: Io;
  readonly options: GlobalOptions;
  readonly printer: Printer;
  /** Reads the configuration; throws CONFIG with every fault. */
  loadConfig(hocon?: string): Promise<LoadedConfig>;
  /** Runs `work` until a signal ends it (exit 130, 143). */
  interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** The same for work that calls the gateway, at `url` or where the configuration says. */
  withGateway<T>(url: string | undefined, work: (client: Client) => Promise<T>): Promise<T>;
}

export function createContext(io: Io, options: GlobalOptions): Context {
  const { json, quiet, color: colour } = options;
  const printer = createPrinter({ stdout: io.stdout, stderr: io.stderr, json, quiet, colour });
  const loadConfig = async (hocon?: string): Promise<LoadedConfig> => {
    const { loadConfig: load } = await import('../config/load.ts');
    return load({
      files: options.config,
      overrides: options.set,
      ...(hocon !== undefined && { hocon }),
      ...(io.env && { env: io.env }),
    });
  };
  return {
    io,
    options,
    printer,
    loadConfig,
    interruptible: (work) => interruptible(io, work),
    withGateway: async (url, work) => {
      // Both are needed, so neither waits for the other to be read.
      const [{ config }, { openGateway }] = await Promise.all([loadConfig(), import('./gateway.ts')]);
      return interruptible(io, async (signal) =>
        work({ config, signal, http: await openGateway(config, url, signal) }),
      );
    },
  };
}
