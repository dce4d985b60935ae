import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

type Locked = { readonly resolved?: string; readonly optionalDependencies?: Readonly<Record<string, string>> };
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { readonly packages: Readonly<Record<string, Locked>> };

test('the lock file records no download addresses', () => {
  expect(Object.keys(packages).filter((place) => packages[place]?.resolved !== undefined)).toEqual([]);
});

// A registry that lacks a platform's binary makes `npm install` drop its entry without a word, and `npm ci` then refuses the lock file.
test('the lock file lists the optional packages of every platform', () => {
  const missing = Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`node_modules/${name}` in packages || `${place}/node_modules/${name}` in packages),
    ),
  );
  expect(missing).toEqual([]);
});
