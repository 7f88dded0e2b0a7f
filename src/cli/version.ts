// The version of swob, for --version and for the services that show it.

import packageJson from '../../package.json' with { type: 'json' };

export const { version, description } = packageJson;
