import { Packr } from 'msgpackr';
import { decodeFrame, FRAME_VERSION } from '../../../src/messages/frame.js';

/** A frame of one record around any msgpack. */
export const record = (body: Uint8Array, version = FRAME_VERSION): ArrayBuffer => {
  const frame = new Uint8Array(8 + body.length);
  frame.set([0x4d, 0x46, version, 0]);
  new DataView(frame.buffer).setUint32(4, body.length, true);
  frame.set(body, 8);
  return frame.buffer;
};
export const decodeBody = (body: Uint8Array) => {
  const frame = record(body);
  return decodeFrame(frame, frame.byteLength, 'forged');
};
const packr = new Packr({ useRecords: false, moreTypes: false });
export const pack = (value: unknown): Uint8Array => Uint8Array.from(packr.pack(value));
