import { createMessagePorts } from './message-ports.js';
import type { CreateTransport } from './transport.js';

/** All there are: each passes every test of this folder. */
export const TRANSPORTS: readonly { readonly name: string; readonly create: CreateTransport }[] = [
  { name: 'message ports', create: createMessagePorts },
];
