// Recognises one Ctrl-C that arrives as two signals. Used by the lifecycle and by client commands.

/**
 * Within this time the same signal is not a second request to stop: on Ctrl-C the terminal sends SIGINT to npm and to swob,
 * and npm forwards its own.
 */
export const signalRepeatMs = 1_000;
