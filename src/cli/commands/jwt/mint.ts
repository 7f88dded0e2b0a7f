// `swob jwt mint`: signs a token as the doors service does.

import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { addMintOptions, type MintOptions, mintToken } from '../../input/mint-token.ts';

export function define(command: Command, context: Context): void {
  addMintOptions(command)
    .addHelpText(
      'after',
      `
Prints only the token. iat is the current time. Signs claims as given, including invalid ones.

Example:
  swob jwt mint --key private.pem --sub user --auth ROLE_ADMIN --session 5692549928996307964 \\
    --nas-ip 100.112.0.1 --vrf 1 --mac FC-45-96-5F-50-AC | swob disconnect --token -`,
    )
    .action((options: MintOptions) => run(context, options));
}

async function run(context: Context, options: MintOptions): Promise<void> {
  const { printer } = context;
  const { token, claims } = await mintToken(context, options);
  if (printer.json) printer.value({ token, claims });
  else printer.line(token);
}
