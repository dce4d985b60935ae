import { createHmac, timingSafeEqual } from 'node:crypto';
import { carriesToken } from './token.js';

/**
 * A browser sends the bearer token once in the address, `?token=…`, and then by a cookie.
 * Neither EventSource nor a link can send headers.
 */
export type Session = {
  /** The header that sets the cookie. No script can read the cookie, and no other site can send it. */
  readonly cookie: string;
  carried(cookies: string | undefined): boolean;
  /** Whether the token in an address is the right one. */
  admits(token: string | null): boolean;
};

/** Cookies go to every port of a host. So the value is not the token, it is valid for one process, and the name has the port. */
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
