import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from './small-run.js';

/** Entries of host threads that misbehave, written as modules of their own: threads run what was built, not what vitest reads. */
const built = (path: string): string => JSON.stringify(pathToFileURL(resolve(import.meta.dirname, '../../../dist', path)).href);

const PRELUDE = `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { MessageChannel, MessagePort } from 'node:worker_threads';
import { decodeFrame, encodeFrame } from ${built('src/messages/frame.js')};
import { serveHost as genuine } from ${built('workers/device-host.js')};
`;

/** A module that exports `serveHost`; `genuine` is the real one. Returns its path. */
export const hostEntry = async (source: string): Promise<string> => {
  const path = join(await temporaryFolder(), 'entry.mjs');
  await writeFile(path, `${PRELUDE}${source}`);
  return path;
};

/** A coordinator that stands still for good when it should close. Returns the path of its entry. */
export const deafCoordinator = async (): Promise<string> => {
  const path = join(await temporaryFolder(), 'entry.mjs');
  const source = `
import { parentPort } from 'node:worker_threads';
import { serveCoordinator } from ${built('src/transport/threads/coordinator-thread.js')};
parentPort.on('message', ({ path }) => {
  if (path?.[0] === 'close') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
serveCoordinator(parentPort);
`;
  await writeFile(path, source);
  return path;
};

/**
 * A host whose frames to the coordinator pass through `tamper` (JavaScript, `const tamper = (up, asked, host) => …`). `up` is
 * the answer as posted, with its decoded `messages`; `asked` are the messages it answers. `reply(up, messages)` encodes
 * messages anew. What it returns is posted.
 */
export const tamperingHost = (tamper: string): Promise<string> =>
  hostEntry(`
${tamper}
export const serveHost = (task) => {
  const { port1, port2 } = new MessageChannel();
  const asked = new Map();
  task.traffic.on('message', (down) => {
    asked.set(down.exchange, decodeFrame(down.frame.slice(0), down.length, 'down').messages);
    port1.postMessage(down, [down.frame]);
  });
  port1.on('message', (up) => {
    const { messages } = decodeFrame(up.frame.slice(0), up.length, 'up');
    task.traffic.postMessage(tamper({ ...up, messages }, asked.get(up.exchange), task.host));
  });
  return genuine({ ...task, traffic: port2 });
};
export const reply = ({ messages: _, ...up }, messages) => {
  const { frame, length } = encodeFrame(messages);
  return { ...up, frame, length };
};
`);
