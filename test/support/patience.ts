/**
 * How long a test waits for one thing that has to come. Nothing is asserted about time: these bounds only end what hangs, so they are
 * far above what a slow and busy machine takes. METAFLEET_PATIENCE multiplies them.
 */
const factor = Number(process.env['METAFLEET_PATIENCE'] ?? 1);

export const PATIENCE_MILLIS = 300_000 * factor;
