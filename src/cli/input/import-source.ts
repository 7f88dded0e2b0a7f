// The input of an import, which is read more than once: a file, or a stream that is copied to an unlinked temporary file.
// Used by `store import`.

import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addAbortSignal, Readable } from 'node:stream';
import type { ImportSource } from '../../app/compose/store-import.ts';
import { describeReadError, messageOf, SwobError } from '../../errors.ts';
import { writeWhole } from '../../lib/durable-files.ts';

export interface OpenedImportSource extends ImportSource {
  close(): Promise<void>;
}

/** `-` means stdin. Throws CONFIG when the file cannot be read, UNAVAILABLE when the temporary file cannot be created. */
export async function openImportSource(
  file: string,
  stdin: AsyncIterable<unknown>,
  signal: AbortSignal,
): Promise<OpenedImportSource> {
  if (file === '-') return openStreamSource('stdin', stdin, signal);
  const handle = await open(file).catch((error: unknown) => {
    throw readError(file, error);
  });
  try {
    return await openHandleSource(file, handle, signal);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Leaves the handle open on failure. */
async function openHandleSource(
  name: string,
  handle: FileHandle,
  signal: AbortSignal,
): Promise<OpenedImportSource> {
  const facts = await handle.stat().catch((error: unknown) => {
    throw readError(name, error);
  });
  if (facts.isFile()) {
    return {
      name,
      size: facts.size,
      read: () => withReadErrors(name, readFromStart(handle)),
      close: () => handle.close(),
    };
  }
  // A process substitution `<(…)` of the shell is a pipe. The stream closes the handle.
  const stream = handle.createReadStream();
  const source = await openStreamSource(name, stream, signal);
  return {
    ...source,
    close: async () => {
      // Not awaited: a read that waits for the writer of the pipe would delay it.
      stream.destroy();
      await source.close();
    },
  };
}

/** The first `read` consumes the stream and saves it for later ones. */
async function openStreamSource(
  name: string,
  stream: AsyncIterable<unknown>,
  signal: AbortSignal,
): Promise<OpenedImportSource> {
  // Otherwise a signal would not end the wait for the next chunk.
  if (stream instanceof Readable) addAbortSignal(signal, stream);
  const handle = await openUnlinkedFile();
  let consumed = false;
  async function* saveWhileReading(): AsyncGenerator<Buffer> {
    for await (const chunk of withReadErrors(name, stream)) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      await writeWhole(handle, tmpdir(), bytes).catch((error: unknown) => {
        throw new SwobError('UNAVAILABLE', `cannot save ${name} to ${tmpdir()}: ${messageOf(error)}`);
      });
      yield bytes;
    }
  }
  return {
    name,
    size: undefined,
    read: () => {
      const bytes = consumed ? readFromStart(handle) : saveWhileReading();
      consumed = true;
      return bytes;
    },
    close: () => handle.close(),
  };
}

/** Unlinked, so that the file disappears with the process. */
async function openUnlinkedFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `swob-import-${randomUUID()}`);
  try {
    const handle = await open(path, 'ax+', 0o600);
    try {
      await unlink(path);
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    throw new SwobError('UNAVAILABLE', `cannot create a file in ${tmpdir()}: ${messageOf(error)}`);
  }
}

function readFromStart(handle: FileHandle): AsyncIterable<Buffer> {
  return handle.createReadStream({ start: 0, autoClose: false });
}

async function* withReadErrors<T>(name: string, chunks: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* chunks;
  } catch (error) {
    throw readError(name, error);
  }
}

function readError(name: string, error: unknown): SwobError {
  return new SwobError('CONFIG', `cannot read ${name}: ${describeReadError(error)}`, { cause: error });
}
