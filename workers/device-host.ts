/** Thread entry: a Piscina task that hosts a shard of devices until it gets the order to stop. */
export { serveHost } from '../src/transport/threads/host-thread.js';
