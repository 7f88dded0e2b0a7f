// The version and description of swob, from package.json.

import packageJson from '../../package.json' with { type: 'json' };

export const { version, description } = packageJson;
