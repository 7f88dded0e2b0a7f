// The table of all commands. Used by program.ts and by the generator of the reference documentation.

import type { Command } from 'commander';
import type { Context } from './context.ts';
import { testCommands } from './test-commands.ts';

/** The export of every file in commands/: `define` adds arguments, options, help and the action. */
interface CommandModule {
  define(command: Command, context: Context): void;
}

export interface CommandEntry {
  /** The words that select the command: `seeds list`. */
  readonly path: string;
  readonly summary: string;
  /** Runs when its group is given without a command. */
  readonly isDefault?: true;
  readonly load: () => Promise<CommandModule>;
}

/** The description of each noun, and of each group of commands in it. */
export const groups: Readonly<Record<string, string>> = {
  seeds: 'list and test gateway clients, and ping as one',
  sync: 'pair a phone: show the QR codes, or act as the phone',
  pairings: 'list the pairings of phones, and revoke one',
  jwt: 'create, verify and decode tokens of the disconnect service',
  sms: 'send SMS as the app, inspect and retry messages, receive as a gateway phone',
  'sms outgoing': 'what became of outgoing SMS',
  radius: 'send RADIUS requests by hand',
  disconnects: 'inspect the audit trail of the disconnect service',
  stub: 'stubs of the systems that swob calls, for tests',
  playground: 'run everything at once, with stubs and throw-away data',
  store: 'export and import all stored data, for backups and migrations',
  config: 'show, check and create the configuration',
};

/** All commands, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  {
    path: 'serve',
    summary: 'run the gateway, the sync websocket and the disconnect service',
    load: () => import('./commands/serve.ts'),
  },
  {
    path: 'status',
    summary: 'show the health of the services',
    load: () => import('./commands/status.ts'),
  },
  {
    path: 'wait',
    summary: 'wait until services are ready, a phone has paired or a seed is active',
    load: () => import('./commands/wait.ts'),
  },
  {
    path: 'doctor',
    summary: 'check the configuration and everything that the services depend on',
    load: () => import('./commands/doctor.ts'),
  },
  {
    path: 'seeds list',
    summary: 'list the active seeds',
    load: () => import('./commands/seeds/list.ts'),
  },
  {
    path: 'seeds ping',
    summary: 'ping as a gateway client',
    load: () => import('./commands/seeds/ping.ts'),
  },
  {
    path: 'seeds get',
    summary: 'print the MSISDN of an active seed',
    load: () => import('./commands/seeds/get.ts'),
  },
  {
    path: 'seeds token',
    summary: 'print the ping token of an IMSI',
    load: () => import('./commands/seeds/token.ts'),
  },
  {
    path: 'seeds test',
    summary: 'start a reliability test of a gateway client',
    load: () => import('./commands/seeds/test.ts'),
  },
  {
    path: 'seeds reliability',
    summary: 'list gateway clients with their reliability',
    load: () => import('./commands/seeds/reliability.ts'),
  },
  {
    path: 'sync qr',
    summary: 'show the QR codes that pair a phone',
    load: () => import('./commands/sync/qr.ts'),
  },
  {
    path: 'sync pair',
    summary: 'pair as a phone would, and print the shared key',
    load: () => import('./commands/sync/pair.ts'),
  },
  {
    path: 'pairings list',
    summary: 'list who paired a phone when, and by which key',
    load: () => import('./commands/pairings/list.ts'),
  },
  {
    path: 'pairings revoke',
    summary: 'revoke the pairing of a user',
    load: () => import('./commands/pairings/revoke.ts'),
  },
  {
    path: 'sms send',
    summary: 'send an SMS to the Publisher as the app and a gateway phone would',
    load: () => import('./commands/sms/send.ts'),
  },
  {
    path: 'sms decrypt',
    summary: 'decrypt an SMS',
    load: () => import('./commands/sms/decrypt.ts'),
  },
  {
    path: 'sms list',
    summary: 'list the messages that wait for a retry',
    load: () => import('./commands/sms/list.ts'),
  },
  {
    path: 'sms refused',
    summary: 'list the recently refused SMS and why they were refused',
    load: () => import('./commands/sms/refused.ts'),
  },
  {
    path: 'sms failed',
    summary: 'list the dead-lettered messages',
    load: () => import('./commands/sms/failed.ts'),
  },
  {
    path: 'sms retry',
    summary: 'retry dead-lettered or waiting messages',
    load: () => import('./commands/sms/retry.ts'),
  },
  {
    path: 'sms drop',
    summary: 'delete dead-lettered messages',
    load: () => import('./commands/sms/drop.ts'),
  },
  {
    path: 'sms trace',
    summary: 'show the history of a message',
    load: () => import('./commands/sms/trace.ts'),
  },
  {
    path: 'sms consume',
    summary: 'receive outgoing SMS as a gateway phone would',
    load: () => import('./commands/sms/consume.ts'),
  },
  {
    path: 'sms outgoing list',
    summary: 'list outgoing SMS with their states',
    load: () => import('./commands/sms/outgoing/list.ts'),
  },
  {
    path: 'sms outgoing show',
    summary: 'show what became of an outgoing SMS',
    load: () => import('./commands/sms/outgoing/show.ts'),
  },
  {
    path: 'sms outgoing cancel',
    summary: 'cancel outgoing SMS that RabbitMQ does not have yet',
    load: () => import('./commands/sms/outgoing/cancel.ts'),
  },
  {
    path: 'sms outgoing token',
    summary: 'print the token with which the phones of a developer report on SMS',
    load: () => import('./commands/sms/outgoing/token.ts'),
  },
  {
    path: 'sms invite',
    summary: 'print what to type into DekuSMS on a gateway phone',
    load: () => import('./commands/sms/invite.ts'),
  },
  {
    path: 'disconnect',
    summary: 'log a Wi-Fi user out through the disconnect service',
    load: () => import('./commands/disconnect.ts'),
  },
  {
    path: 'disconnects list',
    summary: 'list the audited requests to the disconnect service',
    load: () => import('./commands/disconnects/list.ts'),
  },
  {
    path: 'disconnects show',
    summary: 'show an audited request, and what each backend did',
    load: () => import('./commands/disconnects/show.ts'),
  },
  {
    path: 'jwt keygen',
    summary: 'create a key pair for tokens',
    load: () => import('./commands/jwt/keygen.ts'),
  },
  {
    path: 'jwt mint',
    summary: 'sign a token',
    load: () => import('./commands/jwt/mint.ts'),
  },
  {
    path: 'jwt verify',
    summary: 'verify a token, and report everything that is wrong with it',
    load: () => import('./commands/jwt/verify.ts'),
  },
  {
    path: 'jwt decode',
    summary: 'print the content of a token without verifying it',
    load: () => import('./commands/jwt/decode.ts'),
  },
  {
    path: 'radius disconnect',
    summary: 'send a RADIUS Disconnect-Request to a NAS',
    load: () => import('./commands/radius/disconnect.ts'),
  },
  ...testCommands,
  {
    path: 'store export',
    summary: 'export the store to a file',
    load: () => import('./commands/store/export.ts'),
  },
  {
    path: 'store import',
    summary: 'import a file of `swob store export`',
    load: () => import('./commands/store/import.ts'),
  },
  {
    path: 'config show',
    summary: 'print the configuration in effect',
    load: () => import('./commands/config/show.ts'),
  },
  {
    path: 'config check',
    summary: 'report all errors of the configuration',
    load: () => import('./commands/config/check.ts'),
  },
  {
    path: 'config init',
    summary: 'write a configuration file with all defaults',
    load: () => import('./commands/config/init.ts'),
  },
  {
    path: 'config import',
    summary: 'turn the files of the replaced services into a configuration file',
    load: () => import('./commands/config/import.ts'),
  },
  {
    path: 'completion',
    summary: 'print the script that completes commands in a shell',
    load: () => import('./commands/completion.ts'),
  },
];

/** Commands for scripts of swob itself, which the help does not show. */
export const hiddenCommands: readonly CommandEntry[] = [
  {
    path: '__complete',
    summary: 'print candidates for the last word of a command line',
    load: () => import('./commands/complete.ts'),
  },
];
