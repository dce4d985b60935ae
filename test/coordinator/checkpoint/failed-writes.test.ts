import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkpointFile, writeCheckpoint } from '../../../src/coordinator/checkpoint/checkpoint.js';
import { copySealed } from '../../../src/coordinator/checkpoint/sealed-file.js';
import { contentOf, parametersOf, tensorsOf, useCheckpointFile } from '../../support/coordinator/checkpoint-files.js';

const { folder, path, failure, read } = useCheckpointFile();

describe('a checkpoint that cannot be written', () => {
  const good = () => contentOf(parametersOf(1));

  it('leaves the old one as it was, and no piece of itself', () => {
    writeCheckpoint(path, good());
    const before = readFileSync(path);
    // The file next to the target is there by now, and empty.
    const [first, , third] = tensorsOf(parametersOf(2));
    let asked = 0;
    const bytes = (): Uint8Array => {
      asked += 1;
      // The header asks how many there are, before anything is written.
      if (asked === 1) return third!.bytes();
      throw new Error('the disk is full');
    };
    const tensors = [first!, { ...third!, bytes }];
    expect(failure(() => writeCheckpoint(path, contentOf([], { tensors })))).toMatch(
      /^: the checkpoint could not be written: the disk is full$/,
    );
    expect(Buffer.compare(readFileSync(path), before)).toBe(0);
    expect(readdirSync(folder)).toEqual(['last.checkpoint']);
    read();
  });

  it('for want of its folder says so', () => {
    const gone = join(folder, 'gone', 'last.checkpoint');
    expect(failure(() => writeCheckpoint(gone, good()), gone)).toMatch(/^: the checkpoint could not be written: ENOENT/);
    expect(existsSync(join(folder, 'gone'))).toBe(false);
  });

  it('since its folder is a file, or its place a folder, says so', () => {
    writeFileSync(path, 'a file');
    const below = join(path, 'last.checkpoint');
    expect(failure(() => writeCheckpoint(below, good()), below)).toMatch(/^: the checkpoint could not be written: ENOTDIR/);
    rmSync(path);
    mkdirSync(join(path, 'full'), { recursive: true });
    expect(failure(() => writeCheckpoint(path, good()))).toMatch(/^: the checkpoint could not be written: /);
    expect(readdirSync(folder)).toEqual(['last.checkpoint']);
  });

  it('since something is in the way of its temporary file says so, and the old one stays', () => {
    writeCheckpoint(path, good());
    const before = readFileSync(path);
    mkdirSync(join(`${path}.${process.pid}.tmp`, 'full'), { recursive: true });
    expect(failure(() => writeCheckpoint(path, contentOf(parametersOf(2))))).toMatch(/EISDIR/);
    expect(Buffer.compare(readFileSync(path), before)).toBe(0);
  });

  it('since its copy was cut short meanwhile says so, and the old one stays', () => {
    writeCheckpoint(path, good());
    const before = readFileSync(path);
    const { magic, header, stretches } = checkpointFile(contentOf(parametersOf(2)));
    const copy = copySealed(path, magic, header, stretches);
    truncateSync(`${path}.${process.pid}.tmp`, 100);
    expect(failure(() => copy.seal())).toBe(': the checkpoint could not be written: the file lost its end while it was written');
    expect(Buffer.compare(readFileSync(path), before)).toBe(0);
    expect(readdirSync(folder)).toEqual(['last.checkpoint']);
  });

  it('does not stop the next one', () => {
    writeCheckpoint(path, good());
    truncateSync(path, 20);
    expect(failure(read)).toMatch(/ends too early/);
    writeCheckpoint(path, good());
    read();
  });
});
