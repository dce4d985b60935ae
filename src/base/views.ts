/** The bytes that a view shows, as they lie in its memory, without a copy. */
export const bytesOf = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
