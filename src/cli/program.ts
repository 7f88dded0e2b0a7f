// The table of all commands, and the commander program made of it. A command's module is imported only
// when that command was chosen, before its options are parsed. Used by main.ts.

import { Command } from 'commander';
import type { Context, GlobalOptions } from './context.ts';
import type { Io } from './io.ts';
import { description, version } from './version.ts';

/** What every file in commands/ exports: `define` adds arguments, options, help and the action. */
interface CommandModule {
  define(command: Command, context: Context): void;
}

interface Entry {
  /** The words that choose it: `seeds list`. */
  readonly path: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

const groups: Readonly<Record<string, string>> = {
  seeds: 'gateway clients: which are alive, and pings as one of them',
  sync: 'pair a phone: show the QR codes, or act as the phone',
  jwt: 'make, check and read tokens of the disconnect service',
  sms: 'SMS: publish as the app would, look into messages, receive as a gateway phone',
  stub: 'stand-ins for the systems around the gateway, for tests',
  store: 'carry everything that is kept to another store, or to a backup',
  config: 'show, check and make the configuration',
};

/** Every command, in the order of the help. */
export const commands: readonly Entry[] = [
  {
    path: 'serve',
    summary: 'run the gateway API and the sync websocket',
    load: () => import('./commands/serve.ts'),
  },
  {
    path: 'status',
    summary: 'show how the daemons are',
    load: () => import('./commands/status.ts'),
  },
  {
    path: 'wait',
    summary: 'wait until daemons are ready, or for a pairing or a seed',
    load: () => import('./commands/wait.ts'),
  },
  {
    path: 'doctor',
    summary: 'check everything that swob needs, and say what to do',
    load: () => import('./commands/doctor.ts'),
  },
  {
    path: 'seeds list',
    summary: 'list the active seeds',
    load: () => import('./commands/seeds-list.ts'),
  },
  {
    path: 'seeds ping',
    summary: 'ping as a gateway client',
    load: () => import('./commands/seeds-ping.ts'),
  },
  {
    path: 'seeds get',
    summary: 'print the MSISDN of an active seed',
    load: () => import('./commands/seeds-get.ts'),
  },
  {
    path: 'seeds token',
    summary: 'print the token with which an IMSI may ping',
    load: () => import('./commands/seeds-token.ts'),
  },
  {
    path: 'sync qr',
    summary: 'show the QR codes that pair a phone',
    load: () => import('./commands/sync-qr.ts'),
  },
  {
    path: 'sync pair',
    summary: 'pair as the phone would, and print the shared key',
    load: () => import('./commands/sync-pair.ts'),
  },
  {
    path: 'sms send',
    summary: 'send an SMS to the Publisher as the app and a gateway phone would',
    load: () => import('./commands/sms-send.ts'),
  },
  {
    path: 'sms decrypt',
    summary: 'print what an encrypted SMS says',
    load: () => import('./commands/sms-decrypt.ts'),
  },
  {
    path: 'sms failed',
    summary: 'list the messages that were given up',
    load: () => import('./commands/sms-failed.ts'),
  },
  {
    path: 'sms retry',
    summary: 'try messages again that were given up',
    load: () => import('./commands/sms-retry.ts'),
  },
  {
    path: 'sms drop',
    summary: 'forget messages that were given up',
    load: () => import('./commands/sms-drop.ts'),
  },
  {
    path: 'sms trace',
    summary: 'tell the life of a message',
    load: () => import('./commands/sms-trace.ts'),
  },
  {
    path: 'sms consume',
    summary: 'receive outgoing SMS as a gateway phone would',
    load: () => import('./commands/sms-consume.ts'),
  },
  {
    path: 'disconnect',
    summary: 'log a Wi-Fi user out through the disconnect service',
    load: () => import('./commands/disconnect.ts'),
  },
  {
    path: 'jwt keygen',
    summary: 'make a key pair for tokens',
    load: () => import('./commands/jwt-keygen.ts'),
  },
  {
    path: 'jwt mint',
    summary: 'sign a token',
    load: () => import('./commands/jwt-mint.ts'),
  },
  {
    path: 'jwt verify',
    summary: 'check a token, and say everything that is wrong with it',
    load: () => import('./commands/jwt-verify.ts'),
  },
  {
    path: 'jwt decode',
    summary: 'print what a token says, without checking it',
    load: () => import('./commands/jwt-decode.ts'),
  },
  {
    path: 'stub users',
    summary: 'stand in for the user management API',
    load: () => import('./commands/stub-users.ts'),
  },
  {
    path: 'stub developer',
    summary: 'stand in for the developer API and the back end',
    load: () => import('./commands/stub-developer.ts'),
  },
  {
    path: 'stub publisher',
    summary: 'stand in for the Publisher',
    load: () => import('./commands/stub-publisher.ts'),
  },
  {
    path: 'stub pcrf',
    summary: 'stand in for the PCRF',
    load: () => import('./commands/stub-pcrf.ts'),
  },
  {
    path: 'store export',
    summary: 'write all that the store keeps to a file',
    load: () => import('./commands/store-export.ts'),
  },
  {
    path: 'store import',
    summary: 'read a file of store export into the store',
    load: () => import('./commands/store-import.ts'),
  },
  {
    path: 'config show',
    summary: 'print the configuration as swob reads it',
    load: () => import('./commands/config-show.ts'),
  },
  {
    path: 'config check',
    summary: 'say what is wrong with the configuration',
    load: () => import('./commands/config-check.ts'),
  },
  {
    path: 'config init',
    summary: 'write a configuration file with every default',
    load: () => import('./commands/config-init.ts'),
  },
];

/** The program; parsing throws CommanderError instead of ending the process. */
export function createProgram(io: Io): Command {
  const program = new Command('swob')
    .description(description)
    .version(version)
    .helpCommand(false)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // main.ts says what went wrong, in one form for all errors.
      outputError: () => undefined,
    })
    .option('-c, --config <file>', 'configuration file; repeatable, later ones win', collect)
    .option('--set <section.key=value>', 'a configuration value before all others; repeatable', collect)
    .option('--json', 'data and errors as JSON')
    .option('-q, --quiet', 'no notes on stderr')
    .option('--no-color', 'no colours')
    .addHelpText(
      'after',
      '\nswob help <command> says more about one.\n\nExample:\n  swob serve\n  swob seeds list --json',
    );
  const importChosen = async (parent: Command, chosen: Command): Promise<void> => {
    const path = parent === program ? chosen.name() : `${parent.name()} ${chosen.name()}`;
    const entry = commands.find((candidate) => candidate.path === path);
    if (!entry) return;
    const [{ define }, context] = await Promise.all([entry.load(), contextOf(program, io)]);
    define(chosen, context);
  };
  program.hook('preSubcommand', importChosen);
  for (const { path, summary } of commands) {
    const [first = '', second] = path.split(' ');
    if (second === undefined) program.command(first).description(summary);
    else groupOf(program, first, importChosen).command(second).description(summary);
  }
  return program;
}

function groupOf(
  program: Command,
  name: string,
  importChosen: (parent: Command, chosen: Command) => Promise<void>,
): Command {
  return (
    program.commands.find((command) => command.name() === name) ??
    program
      .command(name)
      .description(groups[name] ?? '')
      .helpCommand(false)
      .hook('preSubcommand', importChosen)
      .addHelpText('after', `\nswob help ${name} <command> says more about one.`)
  );
}

async function contextOf(program: Command, io: Io): Promise<Context> {
  const { createContext } = await import('./context.ts');
  // `color` is always there: commander's default of a --no-… option.
  const options = program.opts<Partial<GlobalOptions>>();
  return createContext(io, { config: [], set: [], json: false, quiet: false, color: true, ...options });
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}
