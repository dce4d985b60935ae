const MAGIC = 0x184d2204;
/** Bits of the descriptor's first byte. */
const [DICTIONARY, SIZE, BLOCK_CHECKSUM] = [0x01, 0x08, 0x10];
const IS_STORED = 0x8000_0000;
const SHORTEST_MATCH = 4;

const damaged = (what: string): Error => new Error(`LZ4: ${what}`);

/** Bytes that grow. Matches look back into them, also into those of earlier blocks. */
type Out = { bytes: Uint8Array; length: number };

const reserve = (out: Out, more: number): void => {
  if (out.length + more <= out.bytes.length) return;
  const wider = new Uint8Array(Math.max(out.length + more, 2 * out.bytes.length));
  wider.set(out.bytes.subarray(0, out.length));
  out.bytes = wider;
};

const append = (out: Out, bytes: Uint8Array): void => {
  reserve(out, bytes.length);
  out.bytes.set(bytes, out.length);
  out.length += bytes.length;
};

/** Sequences of literals and a match (lz4_Block_format.md). */
const decodeBlock = (block: Uint8Array, out: Out): void => {
  let at = 0;
  const count = (first: number): number => {
    let sum = first;
    if (first < 15) return sum;
    for (let byte = 255; byte === 255; ) {
      if (at >= block.length) throw damaged('a length is cut off');
      byte = block[at++]!;
      sum += byte;
    }
    return sum;
  };
  while (at < block.length) {
    const token = block[at++]!;
    const literals = count(token >> 4);
    if (at + literals > block.length) throw damaged('literals are cut off');
    append(out, block.subarray(at, at + literals));
    at += literals;
    if (at === block.length) return;
    if (at + 2 > block.length) throw damaged('an offset is cut off');
    const offset = block[at]! | (block[at + 1]! << 8);
    at += 2;
    if (offset === 0 || offset > out.length) throw damaged(`an offset of ${offset} behind ${out.length} bytes`);
    const length = count(token & 15) + SHORTEST_MATCH;
    reserve(out, length);
    // One byte after the other: a match may overlap itself.
    for (let end = out.length + length; out.length < end; out.length++) out.bytes[out.length] = out.bytes[out.length - offset]!;
  }
};

/**
 * One LZ4 frame, as compressed buffers of Arrow are (lz4_Frame_format.md). Its checksums are not looked at.
 * @throws Error where it is cut off, or is none.
 */
export const decodeLz4Frame = (frame: Uint8Array): Uint8Array => {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 7 || view.getUint32(0, true) !== MAGIC) throw damaged('no frame');
  const flags = frame[4]!;
  if ((flags & DICTIONARY) !== 0) throw damaged('a dictionary is wanted');
  const out: Out = { bytes: new Uint8Array(4 * frame.length), length: 0 };
  let at = 7 + ((flags & SIZE) === 0 ? 0 : 8);
  for (;;) {
    if (at + 4 > frame.length) throw damaged('the end is cut off');
    const size = view.getUint32(at, true);
    at += 4;
    if (size === 0) return out.bytes.subarray(0, out.length);
    const length = size % IS_STORED;
    if (at + length > frame.length) throw damaged('a block is cut off');
    const block = frame.subarray(at, at + length);
    if (size >= IS_STORED) append(out, block);
    else decodeBlock(block, out);
    at += length + ((flags & BLOCK_CHECKSUM) === 0 ? 0 : 4);
  }
};
