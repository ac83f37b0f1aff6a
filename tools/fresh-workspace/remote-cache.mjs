import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { build, digests } from './invalidation.mjs';
import { FreshWorkspace } from './workspace.mjs';

/**
 * A remote cache on the loopback interface, as Nx's specification for servers of one's own has it (GET and PUT of
 * /v1/cache/HASH): a checkout in another directory, with no cache of its own, is given the same bytes, and compiles
 * nothing.
 */
export async function remoteCache(workspace) {
  const kept = new Map();
  const server = createServer((request, response) => answer(kept, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const environment = {
    NX_SELF_HOSTED_REMOTE_CACHE_SERVER: `http://127.0.0.1:${server.address().port}`,
    NX_SELF_HOSTED_REMOTE_CACHE_ACCESS_TOKEN: 'token',
  };
  const other = new FreshWorkspace(`${workspace.directory}-elsewhere`, workspace.nxVersion);
  try {
    forget(workspace);
    assert.equal(await build(workspace, environment), 'direct indirect neither', 'nothing is kept yet');
    assert.equal(kept.size, 3, 'each result is sent to the server');

    cpSync(workspace.directory, other.directory, { recursive: true, verbatimSymlinks: true });
    forget(other);
    assert.equal(await build(other, environment), '', 'all comes from the server');
    assert.deepEqual(digests(other), digests(workspace), 'byte for byte');
  } finally {
    other.remove();
    server.close();
  }
}

/** As after a fresh checkout: no results, no cache, no record of a build. */
function forget(workspace) {
  for (const name of ['.nx', '.nx-bpf']) rmSync(workspace.path(name), { recursive: true, force: true });
  for (const name of ['direct', 'indirect', 'neither'])
    rmSync(workspace.path('packages', name, 'dist'), { recursive: true, force: true });
}

function answer(kept, request, response) {
  const hash = request.url.split('/').at(-1);
  if (request.method === 'GET') {
    const found = kept.get(hash);
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/octet-stream' });
    response.end(found);
    return;
  }
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    kept.set(hash, Buffer.concat(chunks));
    response.writeHead(200).end();
  });
}
