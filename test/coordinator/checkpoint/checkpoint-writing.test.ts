import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkpointFile, writeCheckpoint } from '../../../src/coordinator/checkpoint/checkpoint.js';
import { copySealed } from '../../../src/coordinator/checkpoint/sealed-file.js';
import { contentOf, parametersOf, tensorsOf, useCheckpointPlace } from '../../support/coordinator/checkpoints.js';

const place = useCheckpointPlace();

describe('a checkpoint that cannot be written', () => {
  const good = () => contentOf(parametersOf(1));

  it('leaves the old one as it was, and no piece of itself', () => {
    writeCheckpoint(place.path, good());
    const before = readFileSync(place.path);
    // At this time the new file is there, next to the target, and empty.
    const [first, , third] = tensorsOf(parametersOf(2));
    let asked = 0;
    const bytes = (): Uint8Array => {
      asked += 1;
      // The header asks for their number before the first write.
      if (asked === 1) return third!.bytes();
      throw new Error('the disk is full');
    };
    const tensors = [first!, { ...third!, bytes }];
    expect(place.failure(() => writeCheckpoint(place.path, contentOf([], { tensors })))).toMatch(
      /^: the checkpoint could not be written: the disk is full$/,
    );
    expect(Buffer.compare(readFileSync(place.path), before)).toBe(0);
    expect(readdirSync(place.folder)).toEqual(['last.checkpoint']);
    place.read();
  });

  it('for want of its folder says so', () => {
    const gone = join(place.folder, 'gone', 'last.checkpoint');
    expect(place.failure(() => writeCheckpoint(gone, good()), gone)).toMatch(/^: the checkpoint could not be written: ENOENT/);
    expect(existsSync(join(place.folder, 'gone'))).toBe(false);
  });

  it('since its folder is a file, or its place a place.folder, says so', () => {
    writeFileSync(place.path, 'a file');
    const below = join(place.path, 'last.checkpoint');
    expect(place.failure(() => writeCheckpoint(below, good()), below)).toMatch(/^: the checkpoint could not be written: ENOTDIR/);
    rmSync(place.path);
    mkdirSync(join(place.path, 'full'), { recursive: true });
    expect(place.failure(() => writeCheckpoint(place.path, good()))).toMatch(/^: the checkpoint could not be written: /);
    expect(readdirSync(place.folder)).toEqual(['last.checkpoint']);
  });

  it('since its temporary file has no place says so, and the old one stays', () => {
    writeCheckpoint(place.path, good());
    const before = readFileSync(place.path);
    mkdirSync(join(`${place.path}.${process.pid}.tmp`, 'full'), { recursive: true });
    expect(place.failure(() => writeCheckpoint(place.path, contentOf(parametersOf(2))))).toMatch(/EISDIR/);
    expect(Buffer.compare(readFileSync(place.path), before)).toBe(0);
  });

  it('since its copy was cut short meanwhile says so, and the old one stays', () => {
    writeCheckpoint(place.path, good());
    const before = readFileSync(place.path);
    const { magic, header, stretches } = checkpointFile(contentOf(parametersOf(2)));
    const copy = copySealed(place.path, magic, header, stretches);
    truncateSync(`${place.path}.${process.pid}.tmp`, 100);
    expect(place.failure(() => copy.seal())).toBe(': the checkpoint could not be written: the file lost its end while it was written');
    expect(Buffer.compare(readFileSync(place.path), before)).toBe(0);
    expect(readdirSync(place.folder)).toEqual(['last.checkpoint']);
  });

  it('does not stop the next one', () => {
    writeCheckpoint(place.path, good());
    truncateSync(place.path, 20);
    expect(place.failure(place.read)).toMatch(/ends too early/);
    writeCheckpoint(place.path, good());
    place.read();
  });
});
