/** Thread entry: a Piscina task that hosts a shard of devices until it is told to stop. */
export { serveHost } from '../src/transport/threads/host.js';
