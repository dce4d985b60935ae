// The clients of `npm run bench serve`, in a process of their own: so many connections, each of which asks again as soon as it has its answer.
import { Agent, request } from 'node:http';

/** What the process is given as its argument, as JSON. Paths are asked in turn, from a place that differs for each client. */
export type ClientsTask = {
  readonly url: string;
  readonly clients: number;
  readonly seconds: number;
  readonly paths: readonly string[];
  /** Of a POST. Absent: GET. */
  readonly body?: string;
};

/** Milliseconds of every answer; `errors`: answers with another code than 200, and connections that broke. */
export type ClientsResult = { readonly millis: readonly number[]; readonly errors: number; readonly seconds: number };

const { url, clients, seconds, paths, body } = JSON.parse(process.argv[2]!) as ClientsTask;
const agent = new Agent({ keepAlive: true, maxSockets: clients });
const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };

const ask = (path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { agent, method: body === undefined ? 'GET' : 'POST', headers }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
      response.once('error', reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });

const millis: number[] = [];
let errors = 0;
const start = performance.now();
const end = start + seconds * 1000;

const client = async (index: number): Promise<void> => {
  for (let turn = 0; performance.now() < end; turn++) {
    const path = paths[(index * 7919 + turn * 104_729) % paths.length]!;
    const asked = performance.now();
    const code = await ask(path).catch(() => 0);
    if (code === 200) millis.push(performance.now() - asked);
    else errors += 1;
  }
};

await Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
const result: ClientsResult = { millis, errors, seconds: (performance.now() - start) / 1000 };
agent.destroy();
process.stdout.write(JSON.stringify(result));
