// `swob jwt verify`: checks a token as the disconnect service does.

import type { Command } from 'commander';
import { createTokenVerifier, decodeToken, type TokenAlgorithm } from '../../crypto/jwt.ts';
import { readVerificationKey } from '../../crypto/verification-key.ts';
import { checkWifiSession } from '../../domain/wifi-session.ts';
import { SwobError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { requireSecret } from '../secret.ts';
import { algorithmOption, durationArgument, readTokenKey } from '../token-files.ts';

interface Options {
  readonly key: string;
  readonly alg: TokenAlgorithm;
  readonly issuer?: string;
  readonly audience?: string;
  /** Milliseconds. */
  readonly leeway: number;
  readonly maxLifetime: number;
  readonly wifi?: boolean;
}

export function define(command: Command, context: Context): void {
  command
    .argument('[token]', 'the token, @file or -; else SWOB_TOKEN')
    .requiredOption('--key <file>', 'RSA public key or certificate (PEM); for HS256 a file with the secret')
    .addOption(algorithmOption('the one algorithm that is accepted'))
    .option('--issuer <text>', 'what iss must be')
    .option('--audience <text>', 'what aud must be or contain')
    .option('--leeway <duration>', "how far the signer's clock may be off", durationArgument, 0)
    .option('--max-lifetime <duration>', 'longest time from iat to exp; 0 for any', durationArgument, 0)
    .option('--wifi', 'check the claims of a Wi-Fi session too (sessionId, nasIp, vrf, clientMac)')
    .addHelpText(
      'after',
      '\nPrints the claims of a good token. Exits with 1 when a rule is broken, and names every one.\n\nExample:\n  swob jwt verify @token.txt --key public.pem --max-lifetime 20h',
    )
    .action((token: string | undefined, options: Options) => run(context, token, options));
}

async function run(context: Context, argument: string | undefined, options: Options): Promise<void> {
  const { io, printer } = context;
  const { alg, issuer, audience, leeway, maxLifetime, wifi = false } = options;
  const token = await requireSecret(argument, { name: 'token', variable: 'SWOB_TOKEN', io, printer });
  const key = await readTokenKey(context, options.key, alg, readVerificationKey);
  const verifier = createTokenVerifier({
    key: alg === 'HS256' ? undefined : key,
    secret: alg === 'HS256' ? key : undefined,
    algorithms: [alg],
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    leewayMs: leeway,
    maxLifetimeMs: maxLifetime,
    clock: io.clock,
  });
  const { claims, faults: broken } = verifier.check(token);
  const faults = [...broken, ...(claims && wifi ? checkWifiSession(claims).faults : [])];
  const valid = faults.length === 0;
  if (printer.json) printer.value({ valid, claims: claims ?? null, faults });
  if (!valid) throw new SwobError('UNAUTHENTICATED', `token refused: ${faults.join(', ')}`);
  if (!printer.json) printer.line(decodeToken(token).payloadText);
}
