// The content of a file of the lowdb store. Used by its disks.

/** In parts where the event loop is to run between their writes. */
export type Content = string | Iterable<string | Uint8Array>;

/** All parts. */
export function contentBytes(content: Content): Buffer {
  const parts = typeof content === 'string' ? [content] : [...content];
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}
