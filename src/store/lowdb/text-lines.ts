// The complete lines of a file in memory. Used by the readers of segments.

const newline = 0x0a;

export function* linesOf(bytes: Buffer): Generator<{ readonly start: number; readonly stop: number }> {
  for (let start = 0; start < bytes.length; ) {
    const stop = bytes.indexOf(newline, start);
    if (stop < 0) return;
    yield { start, stop };
    start = stop + 1;
  }
}
