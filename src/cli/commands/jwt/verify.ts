// `swob jwt verify`: verifies a token as the disconnect service does.

import { type Command, Option } from 'commander';
import { schema } from '../../../config/schema.ts';
import { formatDuration } from '../../../config/value-types.ts';
import { createTokenVerifier, decodeToken, type TokenAlgorithm } from '../../../crypto/jwt.ts';
import { readVerificationKey } from '../../../crypto/token-keys.ts';
import { checkWifiSession } from '../../../domain/wifi/session-claims.ts';
import { SwobError } from '../../../errors.ts';
import type { Context } from '../../context.ts';
import { requireSecret } from '../../input/secret.ts';
import { algorithmOption, parseDurationOption, readTokenKey } from '../../input/token-key.ts';

interface Options {
  readonly key: string;
  readonly alg: TokenAlgorithm;
  readonly issuer?: string;
  readonly audience?: string;
  /** Milliseconds. */
  readonly leeway: number;
  readonly maxLifetime: number;
  readonly wifi?: boolean;
  readonly emptyVrf?: boolean;
}

/** The default of the service. */
const defaultLeewayMs = schema.validation.leeway.default;

export function define(command: Command, context: Context): void {
  command
    .argument('[token]', 'the token, @file or - (default: SWOB_TOKEN)')
    .requiredOption(
      '--key <file>',
      'file of the RSA public key or certificate (PEM, DER, ssh-rsa or JWK); for HS256 a file with the secret',
    )
    .addOption(algorithmOption('the only accepted algorithm'))
    .option('--issuer <text>', 'required iss')
    .option('--audience <text>', 'value that aud must be or contain')
    .addOption(
      new Option('--leeway <duration>', "tolerated difference to the signer's clock")
        .argParser(parseDurationOption)
        .default(defaultLeewayMs, formatDuration(defaultLeewayMs)),
    )
    .option('--max-lifetime <duration>', 'longest time from iat to exp; 0: any', parseDurationOption, 0)
    .option('--wifi', 'also validate the claims of a Wi-Fi session (sessionId, nasIp, vrf, clientMac)')
    .option('--empty-vrf', 'with --wifi: accept an empty vrf, as [disconnect] empty_vrf does')
    .addHelpText(
      'after',
      '\nPrints the claims of a valid token. Exits with 1 and names every violated rule otherwise.\n\nExample:\n  swob jwt verify @token.txt --key public.pem --max-lifetime 20h',
    )
    .action((token: string | undefined, options: Options) => run(context, token, options));
}

async function run(context: Context, argument: string | undefined, options: Options): Promise<void> {
  const { io, printer } = context;
  const { alg, issuer, audience, leeway, maxLifetime, wifi = false, emptyVrf = false } = options;
  const token = await requireSecret(argument, {
    name: 'token',
    variable: 'SWOB_TOKEN',
    trimmed: true,
    io,
    printer,
  });
  const key = await readTokenKey(context, options.key, alg, readVerificationKey);
  const verifier = createTokenVerifier({
    key: alg === 'HS256' ? undefined : key,
    secret: alg === 'HS256' ? key : undefined,
    algorithms: [alg],
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    leewayMs: leeway,
    leewaySetting: '--leeway',
    maxLifetimeMs: maxLifetime,
    clock: io.clock,
  });
  const { claims, errors } = verifier.check(token);
  const faults = [...errors, ...(claims && wifi ? checkWifiSession(claims, { emptyVrf }).faults : [])];
  const valid = faults.length === 0;
  if (printer.json) printer.value({ valid, claims: claims ?? null, faults });
  if (!valid) throw new SwobError('UNAUTHENTICATED', `token refused: ${faults.join(', ')}`);
  if (!printer.json) printer.line(decodeToken(token).payloadText);
}
