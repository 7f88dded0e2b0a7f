// `swob completion`: prints the script that completes swob's command lines in a shell.

import { Argument, type Command } from 'commander';
import { type Shell, shellScripts, shells } from '../completion/shell-scripts.ts';
import type { Context } from '../context.ts';

export function define(command: Command, context: Context): void {
  const { printer } = context;
  command
    .addArgument(new Argument('<shell>', 'shell that reads the script').choices(shells))
    .addHelpText(
      'after',
      `
Completes commands, options and their values, keys of the configuration, files, the IMSIs and phone numbers of active
seeds, and the ids of messages. Seeds and messages come from the gateway of the configuration or of --url, which has
200 ms to respond; messages need the admin token.

For bash, put \`eval "$(swob completion bash)"\` into ~/.bashrc; for zsh, \`eval "$(swob completion zsh)"\` into ~/.zshrc, after
compinit; for fish, write the script to ~/.config/fish/completions/swob.fish.

Example:
  swob completion bash`,
    )
    .action((shell: Shell) => {
      const script = shellScripts[shell];
      if (printer.json) printer.value({ shell, script });
      else printer.raw(script);
    });
}
