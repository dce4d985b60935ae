import { expect, it, vi } from 'vitest';
import { modelsCommand } from '../../src/cli/models.js';
import { MODEL } from '../../src/models/registry.js';

const printed = async (...words: readonly string[]): Promise<string> => {
  const written: string[] = [];
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  try {
    await modelsCommand().parseAsync([...words], { from: 'user' });
  } finally {
    out.mockRestore();
  }
  return written.join('');
};

it('lists every central model in one line, with its task and how it trains', async () => {
  const lines = (await printed()).trimEnd().split('\n');
  expect(lines).toHaveLength(1 + MODEL.builtIns.length);
  expect(lines.find((line) => line.startsWith('ease '))).toMatch(/^ease +ranking +closed form +EASE: /);
});

it('shows paper, task and the flags of one model', async () => {
  const text = await printed('svdpp');
  expect(text).toContain('Factorization Meets the Neighborhood');
  expect(text).toMatch(/^--svdpp\.factors +64 +length of the vectors/m);
});

it('prints all of it as JSON', async () => {
  const models = JSON.parse(await printed('--json')) as { name: string; paper: string; task: string; parameters: unknown[] }[];
  expect(models.map(({ name }) => name)).toEqual(MODEL.builtIns.map(({ name }) => name));
  expect(models.every(({ paper, task }) => paper !== '' && ['rating', 'ranking'].includes(task))).toBe(true);
});

it('names the models where it does not know one', async () => {
  await expect(printed('svdd')).rejects.toThrow(/models: expected .*svdpp.*, found svdd/);
});
