import { createHmac, timingSafeEqual } from 'node:crypto';
import { carriesToken } from './token.js';

/** How a browser shows the bearer token: once in the address, `?token=…`, then by a cookie. Neither EventSource nor a link can send headers. */
export type Session = {
  /** The header that sets the cookie: no script reads it, no other site sends it. */
  readonly cookie: string;
  carried(cookies: string | undefined): boolean;
  /** Whether the token in an address is the right one. */
  admits(token: string | null): boolean;
};

/** Cookies go to every port of a host: the value is no token, is good for one process, and its name is the port's own. */
export const createSession = (token: string, port: number): Session => {
  const name = `metafleet-${port}`;
  const value = createHmac('sha256', token).update(`${process.pid} ${process.hrtime.bigint()}`).digest('hex');
  const matches = (sent: string): boolean => sent.length === value.length && timingSafeEqual(Buffer.from(sent), Buffer.from(value));
  return {
    cookie: `${name}=${value}; Path=/; HttpOnly; SameSite=Strict`,
    carried: (cookies = '') =>
      cookies.split(';').some((pair) => {
        const [key, sent] = pair.trim().split('=', 2);
        return key === name && sent !== undefined && matches(sent);
      }),
    admits: (sent) => sent !== null && carriesToken(`Bearer ${sent}`, token),
  };
};
