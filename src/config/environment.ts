// Secrets that commands take from the environment instead of argv. Used by src/cli/secret.ts.

/** Variables that hold a secret; src/config/load.ts leaves them alone. */
export type SecretVariable = 'SWOB_PASSWORD' | 'SWOB_TOKEN' | 'SWOB_AUTH_KEY';

/** The variable's value; undefined when it is not set or empty. */
export function secretVariable(
  name: SecretVariable,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  return env[name] || undefined;
}
