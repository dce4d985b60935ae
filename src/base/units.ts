/** Branded numbers: a device id cannot be passed where bytes are meant. Brands cost nothing at run time. */
declare const brand: unique symbol;
type Branded<Name extends string> = number & { readonly [brand]: Name };

/** Dense index of a device (= user) in the fleet, 0 … m−1. */
export type DeviceId = Branded<'DeviceId'>;
export type Bytes = Branded<'Bytes'>;
export type Millis = Branded<'Millis'>;
/** Virtual time, and spans of it: what would pass on real devices. Wall time is in Millis. */
export type Seconds = Branded<'Seconds'>;
export type Joules = Branded<'Joules'>;

export const deviceId = (value: number): DeviceId => value as DeviceId;
export const bytes = (value: number): Bytes => value as Bytes;
export const millis = (value: number): Millis => value as Millis;
export const seconds = (value: number): Seconds => value as Seconds;
export const joules = (value: number): Joules => value as Joules;
