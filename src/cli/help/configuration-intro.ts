// How the configuration is found and written. Used by `swob help configuration` and by the reference page.

export const configurationIntro = `Every key of \`conf.ini\`, with its default. swob reads \`confs/conf.ini\`, else \`/etc/swob/conf.ini\`, or the files that
\`-c\` names, in this order: default < file < environment < \`--set\`. In the environment \`[api] port\` is \`SWOB_API_PORT\`; on
the command line it is \`--set api.port=7000\`. \`swob config init\` writes a file with all keys,
\`swob config check\` reports every error with file and line, and \`swob config show --origin\` prints what is in force and where it was set.

Durations are \`10s\`, \`5m\`, \`1.5h\`, \`250ms\` or a number of seconds; sizes are \`20 MB\`, \`500 KB\` or a number of bytes.
Put a value that contains \`;\` or \`#\` in double quotes. A *secret* value is never printed.`;
