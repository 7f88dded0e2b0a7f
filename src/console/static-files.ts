// Serves built pages from disk: nothing is kept in memory, and the library is loaded on the first request. Used by the plugins
// of this folder.

import { join } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The names of assets contain a hash of their content, except those of pages. */
const yearMs = 365 * 86_400_000;

export interface StaticFiles {
  /** Responds with the page `<page>/index.html`. */
  sendPage(page: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>;
  /** Responds with an asset, or calls the not-found handler. */
  sendAsset(page: string, name: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>;
}

const assetName = /^[\w-]{1,80}\.(?:js|css|svg)$/;
const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** @param root the folder `dist/web`, which the build writes, with a `.br` beside each file */
export function createStaticFiles(root: string): StaticFiles {
  const send = async (
    path: string,
    request: FastifyRequest,
    reply: FastifyReply,
    immutable: boolean,
  ): Promise<FastifyReply> => {
    const { send: sendFile } = await import('./send.ts');
    const isBrotli = /(?:^|[\s,])br(?!\s*;\s*q=0(?:\.0*)?(?:,|$))(?:[\s,;]|$)/.test(
      String(request.headers['accept-encoding'] ?? ''),
    );
    const { statusCode, headers, stream, type } = await sendFile(
      request.raw,
      isBrotli ? `${path}.br` : path,
      { root, contentType: false, immutable, maxAge: immutable ? yearMs : 0, acceptRanges: false },
    );
    if (type !== 'file') {
      stream.destroy();
      return notFound(reply);
    }
    reply.headers(headers);
    reply.header('vary', 'accept-encoding');
    if (!immutable) reply.header('cache-control', 'no-cache');
    if (isBrotli) reply.header('content-encoding', 'br');
    return reply
      .code(statusCode)
      .type(types[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream')
      .send(stream);
  };
  return {
    sendPage: (page, request, reply) => send(`/${join(page, 'index.html')}`, request, reply, false),
    sendAsset: async (page, name, request, reply) =>
      assetName.test(name) ? send(`/${join(page, 'assets', name)}`, request, reply, true) : notFound(reply),
  };
}

function notFound(reply: FastifyReply): FastifyReply {
  reply.callNotFound();
  return reply;
}
