// What each exit code of the command line means. Used by `swob help exit-codes` and by the reference page of errors.

/** By exit code, those of src/errors.ts; 0 and the codes of signals are in `exitIntro`. */
export const exitMeanings: Readonly<Record<number, string>> = {
  1: 'The answer is no: not paired, seed not found, password refused.',
  64: 'The command line is wrong.',
  65: 'The input is wrong.',
  69: 'A service does not answer.',
  70: 'A defect in swob.',
  75: 'Try again later: busy, rate-limited, locked, a port in use.',
  78: 'The configuration, or a file that it names, is wrong.',
};

export const exitIntro = `Exit codes follow \`sysexits(3)\`. 0 means success. A command that a signal ended exits with 128 + its number: 130 (SIGINT),
143 (SIGTERM), 129 (SIGHUP). \`swob serve\` ends by the signal itself, which a shell shows as the same numbers.`;
