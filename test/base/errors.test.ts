import { describe, expect, it } from 'vitest';
import { badInput, isMetafleetError, MetafleetError, messageOf } from '../../src/base/errors.js';

describe('an error', () => {
  it('is one line: the place, what was expected, what was found', () => {
    const error = badInput('DATA', 'ratings.csv:7', 'a rating from 0.5 to 5', '"9"');
    expect(error.message).toBe('ratings.csv:7: expected a rating from 0.5 to 5, found "9"');
    expect(error).toMatchObject({ name: 'MetafleetError', code: 'DATA' });
    expect(error).toBeInstanceOf(Error);
  });

  it('keeps its cause', () => {
    const cause = new Error('disk full');
    expect(new MetafleetError('CHECKPOINT', 'x', { cause }).cause).toBe(cause);
  });

  it('is recognized among other errors, and by its code', () => {
    const error = new MetafleetError('CONFIG', 'x');
    expect(isMetafleetError(error)).toBe(true);
    expect(isMetafleetError(error, 'CONFIG')).toBe(true);
    expect(isMetafleetError(error, 'DATA')).toBe(false);
    expect(isMetafleetError(new Error('x'))).toBe(false);
    expect(isMetafleetError({ name: 'MetafleetError', code: 'CONFIG', message: 'x' })).toBe(false);
    expect(isMetafleetError(undefined)).toBe(false);
  });

  it('has a message, whatever was thrown', () => {
    expect(messageOf(new Error('broken'))).toBe('broken');
    expect(messageOf('broken')).toBe('broken');
    expect(messageOf(undefined)).toBe('undefined');
    expect(messageOf(null)).toBe('null');
  });
});
