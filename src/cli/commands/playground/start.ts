// `swob playground`: runs all services with a stub of every system around them, until a signal.

import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { pairingPageUrl } from '../../playground/environment.ts';
import {
  addPlaygroundOptions,
  type PlaygroundCommandOptions,
  withPlayground,
} from '../../playground/open.ts';
import {
  type Playground,
  playgroundParts,
  playgroundUser,
  sampleSession,
} from '../../playground/playground.ts';
import { defaultReadyFile, readyContent } from '../../playground/ready-files.ts';
import { prepareReadyFile } from '../../ready-file.ts';
import { untilAborted } from '../../run-stub.ts';

interface Options extends PlaygroundCommandOptions {
  readonly readyFile?: string;
}

export function define(command: Command, context: Context): void {
  addPlaygroundOptions(command)
    .option(
      '--ready-file <file>',
      'file written when all is ready, with the URL of each part; removed on exit',
    )
    .addHelpText(
      'after',
      `
Its temporary folder is removed at the end. \`swob playground env\` prints the variables for a script in another terminal;
\`swob playground run -- <command>\` runs one command with them.

Example:
  swob playground --seed-data --fail publisher=1/3`,
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { printer } = context;
  const ready = await prepareReadyFile(options.readyFile ?? defaultReadyFile());
  await context.interruptible(async (signal) =>
    withPlayground(context, options, signal, async (playground) => {
      try {
        const content = readyContent(playground);
        await ready.write(content);
        if (printer.json) printer.value(content);
        else for (const line of introduction(playground, options)) printer.line(line);
        await untilAborted(signal);
      } finally {
        await ready.remove();
      }
    }),
  );
}

function introduction(playground: Playground, options: Options): string[] {
  const { urls, nas, session, outgoing, adminTokenFile } = playground;
  const { readyFile, seedData } = options;
  const { id, msisdn } = playgroundUser;
  const file = readyFile === undefined ? '' : ` --ready-file ${readyFile}`;
  const backend = session.nasIp === sampleSession.nasIp ? 'PCRF' : 'NAS';
  const pairing = seedData ? [] : [`  swob sync pair ${id} --out "$PLAYGROUND_FOLDER/shared.key"`];
  return [
    ...playgroundParts.map(
      (name) => `${name.padEnd(10)} ${urls[name]}${name === 'nas' ? `, RADIUS at ${nas.radius}` : ''}`,
    ),
    ...(outgoing ? [`phone      ${outgoing.phoneUrl}, of the developer ${outgoing.authId}`] : []),
    `console    ${urls.gateway}/console; its admin token: cat ${adminTokenFile}`,
    '',
    'Try it in another terminal:',
    `  eval "$(swob playground env${file})"`,
    '  swob status',
    '  swob seeds ping 624010123456789 +237650000001 --type seeder && swob seeds list',
    ...pairing,
    `  swob sms send ${id} 'g:bob@example.org:::Hello:I am well' --msisdn ${msisdn} --key "$PLAYGROUND_FOLDER/shared.key"`,
    '  curl -s "$PLAYGROUND_PUBLISHER_URL/__messages"',
    '  echo "$PLAYGROUND_JWT" | swob disconnect --token -',
    `  swob verify "$PLAYGROUND_${backend}_URL" --received session=${session.sessionId}`,
    ...(outgoing ? tryOutgoing : []),
    '',
    ...(outgoing
      ? []
      : ['Outgoing SMS need a RabbitMQ: swob playground --broker amqp://guest:guest@localhost']),
    `Pair a phone in a browser: ${pairingPageUrl(urls.gateway)}`,
    '',
    'Ctrl-C stops the playground and removes its data.',
  ];
}

/** The commands that send an SMS through RabbitMQ to the stub phone. */
const tryOutgoing = [
  '  curl -s "$PLAYGROUND_GATEWAY_URL/v1/sms" -H "Content-Type: application/json" -d \'{"auth_id":"\'$PLAYGROUND_AUTH_ID\'",',
  '    "auth_key":"\'$PLAYGROUND_AUTH_KEY\'","data":[{"number":"+237650393369","text":"hello"}]}\'',
  '  swob verify "$PLAYGROUND_PHONE_URL" --received text=hello --within 5s',
];
