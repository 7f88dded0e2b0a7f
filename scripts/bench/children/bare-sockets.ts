// The baseline of C5: a `ws` server without compression that sends each socket a new session of the length of swob's frames at an
// interval in milliseconds (argument), with one timer for each socket.

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { serve } from './serve.ts';

const rotateMs = Number(process.argv[2] ?? 15_000);
/** A frame of swob has 250 bytes. */
const rest = 'x'.repeat(218);
const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket) => {
  const show = (): void => socket.send(`${randomBytes(16).toString('hex')}${rest}`);
  show();
  const timer = setInterval(show, rotateMs);
  socket.on('close', () => clearInterval(timer));
});
serve(server);
