import { Command } from 'commander';
import type { Names } from '../../inference/ids.js';
import type { StoredModel } from '../../inference/stored-model.js';
import { addJson, answer, type JsonFlag } from '../json-output.js';
import { addModelFlags, type ModelFlags, modelPhrase, noteLine, wholeFlag, withModel } from './model-flags.js';
import { onStopRequest } from './stop-request.js';

type ServeFlags = ModelFlags &
  JsonFlag & { readonly host: string; readonly port: string; readonly tokenFile: string; readonly cache: string };

const TOKEN = { variable: 'METAFLEET_SERVE_TOKEN', key: 'flag --token-file' } as const;
const MOST_CACHE = 1 << 20;

const serve = async (flags: ServeFlags, model: StoredModel, names: Names): Promise<void> => {
  const [{ createService }, { serveRecommendations }, { isLoopback }, { readToken }] = await Promise.all([
    import('../../serve/service.js'),
    import('../../serve/server.js'),
    import('../../telemetry/server/listen.js'),
    import('../../telemetry/server/token.js'),
  ]);
  const token = readToken(flags.tokenFile, process.env, TOKEN);
  const port = wholeFlag('--port', flags.port, 0, 65_535);
  const service = createService(model, names, wholeFlag('--cache', flags.cache, 0, MOST_CACHE) * 1e6);
  const { host } = flags;
  const server = await serveRecommendations({ service, host, port, token });
  let stop = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const request = onStopRequest(stop);
  const { run } = model;
  answer(flags, { document: () => ({ run, model: modelPhrase(model), url: server.url }), text: () => `${server.url}\n` });
  noteLine(`${run} (${modelPhrase(model)}) answers at ${server.url}/recommend/<user>`);
  if (token === undefined && !isLoopback(host))
    noteLine(`anyone who reaches ${host} can read every user's recommendations: --token-file asks for a token`);
  const warming = service.warm(request.isAsked);
  await stopped;
  await warming;
  noteLine('stopping: requests that have come are answered (Ctrl-C again: at once)');
  await server.close();
  request.release();
  // To be stopped is how a server ends.
  process.exitCode = 0;
};

/** `metafleet serve --run results/<run>`: recommendations over HTTP. */
export const serveCommand = (): Command =>
  addJson(addModelFlags(new Command('serve').description('answer recommendations over HTTP')))
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0: any free one', '9465')
    .option('--token-file <file>', `file with the bearer token that requests must carry (default: $${TOKEN.variable}, else none)`, '')
    .option('--cache <MB>', "MB (10^6 bytes) for users' predictions that are kept", '256')
    .action((flags: ServeFlags) => withModel(flags, false, (model, names) => serve(flags, model, names)));
