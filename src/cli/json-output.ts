import { once } from 'node:events';
import type { Command } from 'commander';

/**
 * `--json`: stdout carries one JSON document, or NDJSON, and nothing else. Progress, notes and errors go to stderr in either form.
 * docs/json.md has the shape of each command's answer, and test/cli/json checks it.
 */
export type JsonFlag = { readonly json?: boolean | undefined };

/** Gives a command the flag. `lines`: its answer is NDJSON. */
export const addJson = (command: Command, lines = false): Command =>
  command.option('--json', lines ? 'NDJSON on stdout, one line each' : 'one JSON document on stdout instead of text');

/** Typed arrays are lists of numbers, and maps and sets are objects and lists. JSON itself makes NaN and the infinities null. */
const plain = (_: string, value: unknown): unknown => {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return Array.from(value as unknown as ArrayLike<number>);
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  return typeof value === 'bigint' ? String(value) : value;
};

/** One line of NDJSON. */
export const jsonLine = (value: unknown): string => `${JSON.stringify(value, plain)}\n`;

/** What the command answers, once: as a document with `--json`, else as text. Only the form that is asked for is made. */
export const answer = ({ json }: JsonFlag, { document, text }: { readonly document: () => unknown; readonly text: () => string }): void => {
  process.stdout.write(json === true ? `${JSON.stringify(document(), plain, 2)}\n` : text());
};

/** Writes lines of NDJSON as fast as the reader takes them, so that memory does not grow. It ends early if the reader has gone. */
export const answerLines = async (values: Iterable<unknown> | AsyncIterable<unknown>): Promise<void> => {
  const { stdout } = process;
  for await (const value of values) {
    if (stdout.destroyed) return;
    if (!stdout.write(jsonLine(value))) await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch(() => undefined);
  }
};
