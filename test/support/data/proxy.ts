import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * A proxy on this machine, and behind it the only server there is: it answers for every host name. So what is fetched from a name that
 * nobody knows came through the proxy. `asked`: the hosts that requests named, as `CONNECT host:port` or `GET host`.
 */
export const startProxy = async (answer: (request: IncomingMessage, response: ServerResponse) => void) => {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const inner = createServer(answer).listen(0, '127.0.0.1');
  const proxy = createServer((request, response) => {
    const { host, pathname } = new URL(request.url ?? '');
    asked.push(`${request.method} ${host}`);
    request.url = pathname;
    answer(request, response);
  });
  proxy.on('connect', (request: IncomingMessage, socket: Socket) => {
    asked.push(`CONNECT ${request.url}`);
    if (request.url?.endsWith(':443')) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const onward = connect((inner.address() as AddressInfo).port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [socket, onward]) {
      sockets.add(end);
      end.on('error', () => socket.destroy()).on('close', () => onward.destroy());
    }
  });
  proxy.listen(0, '127.0.0.1');
  await Promise.all([inner, proxy].map((server) => new Promise((resolve) => server.once('listening', resolve))));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    for (const server of [inner, proxy]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
  return { address: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, asked };
};
