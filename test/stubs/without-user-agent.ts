// A request without a User-Agent, which fetch cannot make.

import { request } from 'node:http';

/** `route` is method and path. */
export function statusWithoutUserAgent(
  url: string,
  route: string,
  body: string,
): Promise<number | undefined> {
  const [method, path = ''] = route.split(' ');
  return new Promise((resolve, reject) => {
    request(`${url}${path}`, { method, agent: false })
      .on('error', reject)
      .on('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      })
      .end(body);
  });
}
