// A log that keeps its lines, so that a test can look for one, or for a secret.

import type { Log } from '../../src/domain/ports.ts';

export interface MemoryLog extends Log {
  readonly lines: { level: string; fields: object; message: string }[];
}

export function createMemoryLog(): MemoryLog {
  const lines: MemoryLog['lines'] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
