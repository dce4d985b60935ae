import { describe, expect, it } from 'vitest';
import { REFUSALS, refusalCause } from '../../src/messages/message.js';

describe('why a device takes no part', () => {
  it('is what stands before the colon', () => {
    for (const cause of REFUSALS) {
      expect(refusalCause(cause)).toBe(cause);
      expect(refusalCause(`${cause}: 3 % left`)).toBe(cause);
    }
  });

  it('is something else where that is no known cause', () => {
    for (const reason of ['', 'charging', 'batteries', 'bat', 'low battery', ': battery', 'Battery: 3 %'])
      expect(refusalCause(reason)).toBe('other');
  });
});
