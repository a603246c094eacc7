/** An npm registry for tests, which has this package, as packed, and sends on for all others. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Registry {
  /** For `npm_config_registry`. */
  readonly url: string;
  close(): void;
}

export async function startRegistry(tarball: string, manifest: Manifest): Promise<Registry> {
  const file = readFileSync(tarball);
  const integrity = `sha512-${createHash('sha512').update(file).digest('base64')}`;
  const { name, version } = manifest;
  const upstream = process.env.npm_config_registry ?? 'https://registry.npmjs.org/';
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (path.startsWith(`/${name}.tgz`)) {
      response.end(file);
    } else if (path === `/${name}`) {
      const dist = { tarball: `http://${request.headers.host}/${name}.tgz`, integrity };
      const versions = { [version]: { ...manifest, dist } };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions }));
    } else {
      response.writeHead(307, { location: new URL(path.slice(1), upstream).href }).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}

export interface Manifest {
  readonly name: string;
  readonly version: string;
}
