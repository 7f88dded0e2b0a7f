// The environment variables of the command line that are not configuration keys. Used by `swob help environment`, which
// adds the variable of each key.

import type { SecretVariable } from '../../config/environment.ts';

const secrets: Readonly<Record<SecretVariable, string>> = {
  SWOB_PASSWORD: 'password of the user, for `swob sync pair`',
  SWOB_TOKEN:
    'token, for commands with --token; of the disconnect service, of a seed or of the administrator',
  SWOB_AUTH_KEY: 'auth key of a developer, for `swob sms consume`, `swob sms invite` and `swob stub phone`',
  SWOB_STATUS_TOKEN: 'token with which phones report on SMS, for `swob stub phone`',
};

/** What each variable does, by its name. */
export const variables: Readonly<Record<string, string>> = {
  SWOB_CONFIG: 'configuration file where no --config is given',
  ...secrets,
  NO_COLOR: 'disables colours, as --no-color does',
  FORCE_COLOR: 'enables colours where stdout is not a terminal',
  NODE_OPTIONS: 'options of Node, such as --diagnostic-dir for heap snapshots',
};
