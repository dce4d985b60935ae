import type { Arena, Pointer } from './arena.js';

/**
 * Structs in kernel memory: numbers of one type that a kernel takes by pointer.
 * A module of structs/ gives the element of each field, for both compilers. These functions take the module, imported as a namespace.
 * A struct does not change until the tasks that name it have run. Most are written once, where they are created.
 */
export type Fields = Readonly<Record<string, number>>;

export type Values<Of extends Fields> = { readonly [Name in keyof Of]?: number };

/** Elements of a struct. */
export const sizeOf = (fields: Fields): number => Math.max(...Object.values(fields)) + 1;

/** Writes the given fields. It takes 2 µs. So structs that change in every round are written field by field. */
export const write = <Of extends Fields>(view: Float64Array | Uint32Array, fields: Of, values: Values<Of>): void => {
  for (const name in values) view[fields[name]!] = values[name]!;
};

/** All fields of a struct, by name. */
export const read = <Of extends Fields>(view: Float64Array | Uint32Array, fields: Of): { readonly [Name in keyof Of]: number } =>
  Object.fromEntries(Object.entries(fields).map(([name, at]) => [name, view[at]!])) as { [Name in keyof Of]: number };

/** The u32 struct at a pointer, by name. */
export const readAt = <Of extends Fields>({ buffer }: WebAssembly.Memory, pointer: Pointer, fields: Of) =>
  read(new Uint32Array(buffer, pointer, sizeOf(fields)), fields);

/** A u32 struct with these values. Its other fields are zero. */
export const structOf = <Of extends Fields>(fields: Of, values: Values<Of>): Uint32Array => {
  const struct = new Uint32Array(sizeOf(fields));
  write(struct, fields, values);
  return struct;
};

/** A u32 struct in an arena, for a caller that writes it again and again. It writes to the view, which leaves no garbage. */
export type PlacedStruct = { readonly pointer: Pointer; readonly view: Uint32Array };

export const createStruct = (arena: Arena, fields: Fields): PlacedStruct => {
  const count = sizeOf(fields);
  const pointer = arena.allocate(count);
  return { pointer, view: arena.u32(pointer, count) };
};

/** A u32 struct in an arena, written once. */
export const placeStruct = <Of extends Fields>(arena: Arena, fields: Of, values: Values<Of>): Pointer => {
  const { pointer, view } = createStruct(arena, fields);
  write(view, fields, values);
  return pointer;
};
