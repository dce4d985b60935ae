import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { answer, answerLines, jsonLine } from '../../src/cli/json-output.js';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('jsonLine', () => {
  it('writes typed arrays, maps, sets and large integers as JSON has them, and what is no number as null', () => {
    const value = {
      scores: Float32Array.of(0.5, Number.NaN),
      by: new Map([['a', 1]]),
      names: new Set(['x']),
      id: 2n ** 60n,
      none: Number.NaN,
    };
    expect(jsonLine(value)).toBe('{"scores":[0.5,null],"by":{"a":1},"names":["x"],"id":"1152921504606846976","none":null}\n');
  });
});

describe('answer', () => {
  it('makes only the form that is asked for', () => {
    const written: string[] = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    const never = (): never => {
      throw new Error('not asked for');
    };
    answer({ json: true }, { document: () => ({ a: 1 }), text: never });
    answer({}, { document: never, text: () => 'a is 1\n' });
    expect(written).toEqual(['{\n  "a": 1\n}\n', 'a is 1\n']);
  });
});

describe('answerLines', () => {
  const streamed = (highWaterMark: number): PassThrough => {
    const stream = new PassThrough({ highWaterMark });
    vi.spyOn(process, 'stdout', 'get').mockReturnValue(stream as unknown as typeof process.stdout);
    return stream;
  };

  it('takes no value before the reader has room for it', async () => {
    const stream = streamed(4);
    let made = 0;
    const values = function* () {
      for (; made < 100; made++) yield { made };
    };
    const done = answerLines(values());
    await new Promise(setImmediate);
    expect(made).toBeLessThan(100);
    let read = '';
    stream.on('data', (chunk: Buffer) => {
      read += chunk.toString();
    });
    await done;
    stream.end();
    expect(made).toBe(100);
    await vi.waitFor(() => expect(read.trim().split('\n')).toHaveLength(100));
  });

  it('ends when the reader has gone', async () => {
    const stream = streamed(4);
    let made = 0;
    const values = function* () {
      for (;;) yield { made: made++ };
    };
    const done = answerLines(values());
    stream.destroy();
    await done;
    expect(made).toBeLessThan(10);
  });
});
