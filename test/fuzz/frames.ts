import fc from 'fast-check';
import { Packr } from 'msgpackr';
import type { Random } from '../../src/base/random.js';
import { decodeFrame, encodeFrame, FRAME_VERSION } from '../../src/messages/frame.js';
import type { Message } from '../../src/messages/message.js';
import { isSparse } from '../../src/messages/sparse.js';
import { decodeTensor, elements } from '../../src/messages/wire-tensor.js';
import { anyMessage, plain } from '../support/messages/arbitrary-messages.js';
import { mutateBytes, mutateTree } from './mutate.js';
import { checkRefusal, type Target, Wrong } from './target.js';

const EXAMPLES = 400;
const MOST_NUMBERS = 1e6;
const packr = new Packr({ useRecords: false, moreTypes: true });

const bytesOf = ({ frame, length }: { readonly frame: ArrayBuffer; readonly length: number }): Uint8Array =>
  new Uint8Array(frame, 0, length).slice();

/** A frame around any value at all. */
const frameOf = (value: unknown): Uint8Array => {
  const body = packr.pack(value);
  const out = new Uint8Array(8 + body.length);
  out.set([0x4d, 0x46, FRAME_VERSION]);
  new DataView(out.buffer).setUint32(4, body.length, true);
  out.set(body, 8);
  return out;
};

/** As msgpack takes it: rows as bytes, memory of its own. */
const wireForm = (message: Message): unknown =>
  JSON.parse(
    JSON.stringify(message, (_, value: unknown) =>
      ArrayBuffer.isView(value) ? { bytes: [...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)] } : value,
    ),
    (_, value: unknown) =>
      typeof value === 'object' && value !== null && 'bytes' in value ? Uint8Array.from(value.bytes as number[]) : value,
  );

/** What was accepted is what it would be sent as. */
const checkAccepted = (messages: readonly Message[]): void => {
  const again = bytesOf(encodeFrame(messages));
  const { messages: decoded } = decodeFrame(again.buffer as ArrayBuffer, again.length, 'again');
  const [first, second] = [messages, decoded].map((each) => JSON.stringify(plain(each)));
  if (first !== second) throw new Wrong(`another message once it was sent on: ${first!.slice(0, 200)}`);
  for (const message of messages) if ('tensors' in message) checkTensors(message.tensors);
};

const checkTensors = (tensors: Extract<Message, { kind: 'model' }>['tensors']): void => {
  for (const tensor of tensors) {
    const [rows = 0, ...shape] = tensor.shape;
    // A receiver knows how many numbers there are: few bytes that claim many are refused before.
    if (isSparse(tensor) && !(elements(tensor.shape) <= MOST_NUMBERS)) continue;
    try {
      const values = decodeTensor(tensor, tensor.dtype, { name: 'any', perRow: true, shape }, rows, 'tensor');
      if (values.length !== elements(tensor.shape)) throw new Wrong(`${values.length} numbers of shape ${tensor.shape.join('×')}`);
    } catch (error) {
      if (error instanceof Wrong) throw error;
      checkRefusal(error, 'MESSAGE');
    }
  }
};

export const frames = async (): Promise<Target> => {
  const messages = fc.sample(anyMessage, { numRuns: EXAMPLES, seed: 1 });
  const small = messages.map((message) => [message]).filter((list) => bytesOf(encodeFrame(list)).length < 4000);
  const encoded = small.map((list, index) =>
    bytesOf(encodeFrame(index % 3 === 0 ? [...list, ...small[(index + 1) % small.length]!] : list)),
  );
  const trees = small.map(([message]) => wireForm(message!));
  const example = <T>(values: readonly T[], { integer }: Random): T => values[integer(values.length)]!;
  return {
    make: (source) => {
      const kind = source.uniform();
      if (kind < 0.05) return Uint8Array.from({ length: source.integer(200) }, () => source.integer(256));
      if (kind < 0.5) return frameOf(mutateTree(example(trees, source), source));
      return mutateBytes(example(encoded, source), example(encoded, source), source);
    },
    check: (input) => {
      try {
        const { messages: accepted } = decodeFrame(input.slice().buffer, input.length, 'frame');
        checkAccepted(accepted);
        return true;
      } catch (error) {
        if (error instanceof Wrong) throw error;
        checkRefusal(error, 'MESSAGE');
        return false;
      }
    },
  };
};
