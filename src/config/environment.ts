// Environment variables that are not configuration keys: secrets of commands (src/cli/input/secret.ts), systemd's
// notification variables (src/app/systemd.ts), the folder of heap snapshots (src/app/diagnostic-files.ts), and those of a
// playground's scripts (src/cli/playground).

/** Variables that hold the secret of a command; src/config/load.ts ignores them. */
export const secretVariables = ['SWOB_PASSWORD', 'SWOB_TOKEN', 'SWOB_AUTH_KEY', 'SWOB_STATUS_TOKEN'] as const;
export type SecretVariable = (typeof secretVariables)[number];

/** The value of the variable; undefined when it is unset or empty. */
export function secretVariable(
  name: SecretVariable,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  return env[name] || undefined;
}

/** The folder of Node's diagnostic files, from --diagnostic-dir in NODE_OPTIONS. */
export function diagnosticFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  return /(?:^|\s)--diagnostic-dir[=\s]([^\s"]+)/.exec(env.NODE_OPTIONS ?? '')?.[1];
}

/** The variables that systemd sets for a unit of Type=notify. */
export interface ServiceManagerVariables {
  /** The socket for state notifications; undefined when systemd expects none. */
  readonly notifySocket: string | undefined;
  /** The watchdog interval in milliseconds; undefined when the watchdog is off. */
  readonly watchdogMs: number | undefined;
}

/** Both members are undefined unless systemd started this process as Type=notify. */
export function serviceManagerVariables(
  env: Readonly<Record<string, string | undefined>> = process.env,
  pid = process.pid,
): ServiceManagerVariables {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = env;
  const forUs = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === pid;
  const watchdogMs = Number(WATCHDOG_USEC) / 1_000;
  return {
    notifySocket: NOTIFY_SOCKET || undefined,
    watchdogMs: forUs && watchdogMs > 0 && Number.isFinite(watchdogMs) ? watchdogMs : undefined,
  };
}

/** The folder of this user's files about running programs; undefined where the system has none. */
export function runtimeFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  return env.XDG_RUNTIME_DIR || undefined;
}

/** The folder of the playground whose variables the process has; undefined outside of one. */
export function playgroundFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  return env.PLAYGROUND_FOLDER || undefined;
}

/**
 * The environment of a child process: that of this process without its configuration, and `more`. A configuration key of this
 * process would override the child's configuration file.
 */
export function childEnvironment(
  more: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Record<string, string | undefined>> {
  const inherited = Object.entries(env).filter(([name]) => !name.startsWith('SWOB_'));
  return { ...Object.fromEntries(inherited), ...more };
}
