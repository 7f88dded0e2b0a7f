// A log that keeps its lines for assertions.

import type { Log } from '../../src/domain/shared/ports.ts';

export interface MemoryLog extends Log {
  readonly lines: { level: string; fields: object; message: string }[];
}

export function createMemoryLog(): MemoryLog {
  const lines: MemoryLog['lines'] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
