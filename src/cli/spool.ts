// Input that is read more than once: a file, or a stream that is kept in a file without a name. Used by `store import`.

import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addAbortSignal, Readable } from 'node:stream';
import type { ImportSource } from '../app/compose/store-import.ts';
import { messageOf, SwobError } from '../errors.ts';

export interface OpenedSource extends ImportSource {
  close(): Promise<void>;
}

/** `-` is `stdin`. Throws CONFIG when the file cannot be read, UNAVAILABLE when there is no room to keep a stream. */
export async function openSource(
  file: string,
  stdin: AsyncIterable<unknown>,
  signal: AbortSignal,
): Promise<OpenedSource> {
  if (file === '-') return openSpool('stdin', stdin, signal);
  try {
    const handle = await open(file);
    const facts = await handle.stat();
    if (facts.isFile()) {
      return {
        name: file,
        size: facts.size,
        read: () => told(file, bytesOf(handle)),
        close: () => handle.close(),
      };
    }
    // What a shell gives for `<(…)` is a pipe. The stream closes the handle.
    return openSpool(file, handle.createReadStream(), signal);
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** The first `read` takes the stream and keeps it for the others. */
async function openSpool(
  name: string,
  stream: AsyncIterable<unknown>,
  signal: AbortSignal,
): Promise<OpenedSource> {
  // One that waits for its next byte hears of no signal otherwise.
  if (stream instanceof Readable) addAbortSignal(signal, stream);
  const handle = await openNameless();
  let taken = false;
  async function* keep(): AsyncGenerator<Buffer> {
    for await (const chunk of told(name, stream)) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      await handle.appendFile(bytes).catch((error: unknown) => {
        throw new SwobError('UNAVAILABLE', `cannot keep ${name} in ${tmpdir()}: ${messageOf(error)}`);
      });
      yield bytes;
    }
  }
  return {
    name,
    size: undefined,
    read: () => {
      const bytes = taken ? bytesOf(handle) : keep();
      taken = true;
      return bytes;
    },
    close: () => handle.close(),
  };
}

/** Gone with the process, however that ends. */
async function openNameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `swob-import-${randomUUID()}`);
  try {
    const handle = await open(path, 'ax+', 0o600);
    await unlink(path);
    return handle;
  } catch (error) {
    throw new SwobError('UNAVAILABLE', `cannot make a file in ${tmpdir()}: ${messageOf(error)}`);
  }
}

/** From its beginning. */
function bytesOf(handle: FileHandle): AsyncIterable<Buffer> {
  return handle.createReadStream({ start: 0, autoClose: false });
}

async function* told<T>(name: string, chunks: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* chunks;
  } catch (error) {
    throw unreadable(name, error);
  }
}

function unreadable(name: string, error: unknown): SwobError {
  return new SwobError('CONFIG', `cannot read ${name}: ${messageOf(error)}`, { cause: error });
}
