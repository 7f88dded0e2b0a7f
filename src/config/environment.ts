// What is taken from the environment besides configuration keys: secrets for commands (src/cli/secret.ts) and what
// systemd tells a service (src/app/service-manager.ts).

/** Variables that hold a secret; src/config/load.ts leaves them alone. */
export type SecretVariable = 'SWOB_PASSWORD' | 'SWOB_TOKEN' | 'SWOB_AUTH_KEY';

/** The variable's value; undefined when it is not set or empty. */
export function secretVariable(
  name: SecretVariable,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  return env[name] || undefined;
}

/** What systemd tells a unit of Type=notify. */
export interface ServiceManagerVariables {
  /** The socket that takes our states; undefined when nobody wants them. */
  readonly notifySocket: string | undefined;
  /** A sign of life is due within this many milliseconds; undefined: none is wanted. */
  readonly watchdogMs: number | undefined;
}

/** Both undefined when the process was not started by systemd, or not as Type=notify. */
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
