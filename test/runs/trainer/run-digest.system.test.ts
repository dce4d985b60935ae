import { expect, it } from 'vitest';
import { metafleet, temporaryFolder } from '../../support/cli/command.js';

/** The digest of `npm start`. A change of it is a change of results: it needs a reason in CHANGELOG.md, and docs/reproducibility.md names it. */
const DEFAULT_RUN = '48c25804dab5d5014e0eeb4a8addc57dadc7b2f5600abaad41a9383f3ce91d6a';

it('the main job on the default data ends in the digest that it always had', async () => {
  const { code, out, err } = await metafleet(['run', '--quiet', '--metrics.enabled', 'false'], { cwd: await temporaryFolder() });
  expect(code, err).toBe(0);
  expect(out).toMatch(new RegExp(`^digest +${DEFAULT_RUN}$`, 'm'));
});
