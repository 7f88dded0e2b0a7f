// The socket by which the holder of a lock proves that it is running: the kernel closes it when the process ends in
// any way. Used by lock.ts and holder.ts.

import { open, rename } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { systemErrorCode } from '../../errors.ts';

export interface LivenessSocket {
  /** Also removes the socket from the folder. Idempotent. */
  close(): Promise<void>;
  /** Stops listening, but leaves the socket in the folder, where it proves that nobody listens. Never rejects. */
  abandon(): Promise<void>;
}

/** The length that every system accepts for the path of a socket. */
const maxPathBytes = 100;

/** Undefined where no socket can be created, as on some file systems. */
export async function listenForLiveness(folder: string, name: string): Promise<LivenessSocket | undefined> {
  const { path, done } = await shortPath(folder, name);
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.destroy();
  });
  const isListening = await new Promise<boolean>((resolve) => {
    server.on('error', () => resolve(false));
    server.listen(path, () => resolve(true));
  });
  if (!isListening) {
    await done();
    return undefined;
  }
  server.unref();
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= new Promise<void>((resolve) => server.close(() => resolve())).then(done);
    return closed;
  };
  return {
    close,
    abandon: async () => {
      // Node removes the name that it listens on.
      const [file, aside] = [join(folder, name), join(folder, `${name}.aside`)];
      await rename(file, aside).catch(() => {});
      await close();
      await rename(aside, file).catch(() => {});
    },
  };
}

/** Whether a process listens on the socket; `unknown` when it is gone or the system reports another error. */
export async function probeSocket(folder: string, name: string): Promise<'taken' | 'refused' | 'unknown'> {
  const { path, done } = await shortPath(folder, name);
  try {
    return await new Promise((resolve) => {
      const socket = connect(path, () => {
        socket.destroy();
        resolve('taken');
      });
      socket.on('error', (error) => {
        const errno = systemErrorCode(error);
        // EAGAIN: the backlog of a stopped process is full.
        resolve(errno === 'ECONNREFUSED' ? 'refused' : errno === 'EAGAIN' ? 'taken' : 'unknown');
      });
    });
  } finally {
    await done();
  }
}

/** Linux offers a short path for every open folder; on other systems a long path gets no socket. */
async function shortPath(folder: string, name: string): Promise<{ path: string; done: () => Promise<void> }> {
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= maxPathBytes) return { path, done: async () => {} };
  const handle = await open(folder, 'r');
  return { path: `/proc/self/fd/${handle.fd}/${name}`, done: () => handle.close() };
}
