// The commands for tests: stubs and playgrounds. Part of command-table.ts.

import type { CommandEntry } from './command-table.ts';

export const testCommands: readonly CommandEntry[] = [
  {
    path: 'stub users',
    summary: 'run a stub of the user management API',
    load: () => import('./commands/stub/users.ts'),
  },
  {
    path: 'stub developer',
    summary: 'run a stub of the developer API and the back end',
    load: () => import('./commands/stub/developer.ts'),
  },
  {
    path: 'stub publisher',
    summary: 'run a stub of the Publisher',
    load: () => import('./commands/stub/publisher.ts'),
  },
  {
    path: 'stub callbacks',
    summary: "run a stub of a developer's server, for callbacks",
    load: () => import('./commands/stub/callbacks.ts'),
  },
  {
    path: 'stub phone',
    summary: 'run a stub of a gateway phone, which reports what became of outgoing SMS',
    load: () => import('./commands/stub/phone.ts'),
  },
  {
    path: 'stub pcrf',
    summary: 'run a stub of the PCRF',
    load: () => import('./commands/stub/pcrf.ts'),
  },
  {
    path: 'stub nas',
    summary: 'run a stub of a RADIUS NAS',
    load: () => import('./commands/stub/nas.ts'),
  },
  {
    path: 'verify',
    summary: 'check what a stub has received',
    load: () => import('./commands/verify.ts'),
  },
  {
    path: 'playground start',
    summary: 'run all services and stubs until a signal (the default)',
    isDefault: true,
    load: () => import('./commands/playground/start.ts'),
  },
  {
    path: 'playground env',
    summary: 'print the environment variables of a running playground',
    load: () => import('./commands/playground/env.ts'),
  },
  {
    path: 'playground run',
    summary: 'run a command in a playground of its own',
    load: () => import('./commands/playground/run.ts'),
  },
];
