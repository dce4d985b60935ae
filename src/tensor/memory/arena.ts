import { MetafleetError, messageOf } from '../../base/errors.js';
import { addressSpaceAdvice, addressSpaceLimit } from './address-space.js';

/** Bytes from the start of an arena's memory, as kernels take it. 0 is the null pointer. */
export type Pointer = number;

/**
 * Tensors of one shared WebAssembly memory, one behind the other and never freed: an arena lives as long as its tensors.
 * Views are created on demand, and stay valid when the memory grows. One thread allocates, and any thread may read.
 */
export type Arena = {
  readonly memory: WebAssembly.Memory;
  /** Bytes handed out so far, padding included. */
  readonly used: number;
  /** Room for `count` 4-byte elements, zeroed, 64-byte aligned. @throws MetafleetError CAPABILITY when it does not fit. */
  allocate(count: number): Pointer;
  f32(pointer: Pointer, count: number): Float32Array<SharedArrayBuffer>;
  u32(pointer: Pointer, count: number): Uint32Array<SharedArrayBuffer>;
  i32(pointer: Pointer, count: number): Int32Array<SharedArrayBuffer>;
  /** `count` elements of 8 bytes. */
  f64(pointer: Pointer, count: number): Float64Array<SharedArrayBuffer>;
};

export const MAX_MEMORY_BYTES = 2 ** 32;

const PAGE = 65_536;
/** A cache line. Tensors of different threads never share one. */
const ALIGNMENT = 64;
/** Growing interrupts every thread that holds the memory. So it happens in steps of this many pages (16 MiB). */
const GROWTH_PAGES = 256;

/**
 * An arena that grows as needed up to `capacityBytes`. Default and limit: 4 GiB, which 32-bit pointers address.
 * Capacity is address space only. Memory is used when it is touched.
 * @throws MetafleetError CAPABILITY when the address space cannot be had or more than 4 GiB is asked for.
 */
export const createArena = (capacityBytes: number = MAX_MEMORY_BYTES): Arena => {
  if (!(capacityBytes > 0 && capacityBytes <= MAX_MEMORY_BYTES)) {
    throw new MetafleetError(
      'CAPABILITY',
      `arena: expected a capacity of at most ${MAX_MEMORY_BYTES} bytes (4 GiB), found ${capacityBytes}; split the tensors over several arenas`,
    );
  }
  const maximum = Math.ceil(capacityBytes / PAGE);
  const memory = orCapability(
    () => new WebAssembly.Memory({ initial: 1, maximum, shared: true }),
    `arena: cannot reserve ${capacityBytes} bytes of address space`,
  );
  let pages = 1;
  let next = ALIGNMENT;
  // Without the last line of a full 4 GiB: a pointer to the end of a tensor there would wrap to 0.
  const limit = maximum * PAGE - ALIGNMENT;
  const view = <View>(make: (buffer: SharedArrayBuffer) => View) => make(memory.buffer as unknown as SharedArrayBuffer);

  return {
    memory,
    get used() {
      return next;
    },
    allocate(count) {
      const pointer = next;
      const end = pointer + Math.ceil((count * 4) / ALIGNMENT) * ALIGNMENT;
      if (!(Number.isInteger(count) && count >= 0)) throw new RangeError(`arena: expected a count of elements, found ${count}`);
      if (end > limit) {
        throw new MetafleetError(
          'CAPABILITY',
          `arena: expected at most ${limit - pointer} more bytes (capacity ${capacityBytes}), found a tensor of ${count * 4}${addressSpaceAdvice(addressSpaceLimit())}`,
        );
      }
      if (end > pages * PAGE) {
        const wanted = Math.min(maximum, Math.max(Math.ceil(end / PAGE), pages + GROWTH_PAGES));
        orCapability(() => memory.grow(wanted - pages), `arena: cannot grow from ${pages * PAGE} to ${wanted * PAGE} bytes`);
        pages = wanted;
      }
      next = end;
      return pointer;
    },
    f32: (pointer, count) => view((buffer) => new Float32Array(buffer, pointer, count)),
    u32: (pointer, count) => view((buffer) => new Uint32Array(buffer, pointer, count)),
    i32: (pointer, count) => view((buffer) => new Int32Array(buffer, pointer, count)),
    f64: (pointer, count) => view((buffer) => new Float64Array(buffer, pointer, count)),
  };
};

/** Under a limit of address space: what every memory may hold at least, and how many times what is known to be needed. */
const LEAST_BYTES = 2 ** 28;
const HEADROOM = 4;

/**
 * Bytes that a memory should be able to grow to if `need` are known to be needed. Without a limit of address space that is all that 32 bits address:
 * a maximum costs nothing there.
 */
export const capacityFor = (need: number, limit: number | undefined): number =>
  limit === undefined ? MAX_MEMORY_BYTES : Math.min(MAX_MEMORY_BYTES, LEAST_BYTES + HEADROOM * need);

/** An arena for tensors of `need` bytes, and for scratch whose size is not known yet. @throws MetafleetError CAPABILITY, with advice. */
export const arenaFor = (need = 0): Arena => createArena(capacityFor(need, addressSpaceLimit()));

const orCapability = <Result>(attempt: () => Result, what: string): Result => {
  try {
    return attempt();
  } catch (cause) {
    throw new MetafleetError('CAPABILITY', `${what}: ${messageOf(cause)}${addressSpaceAdvice(addressSpaceLimit())}`, { cause });
  }
};
