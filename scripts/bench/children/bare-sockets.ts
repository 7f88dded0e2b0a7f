// The baseline of C5: a `ws` server without compression that sends each socket a new URL at an interval in
// milliseconds (argument), with one timer for each socket.

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { serve } from './serve.ts';

const rotateMs = Number(process.argv[2] ?? 15_000);
const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket) => {
  const show = (): void =>
    socket.send(JSON.stringify({ url: `/sessions/${randomBytes(16).toString('hex')}` }));
  show();
  const timer = setInterval(show, rotateMs);
  socket.on('close', () => clearInterval(timer));
});
serve(server);
