import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';

/** The messages that a port has already, without waiting for this thread's loop. */
export const arrivedOn = function* <Message>(port: MessagePort): Generator<Message> {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) yield next.message as Message;
};
