import { describe, expect, it } from 'vitest';
import { SAMPLER } from '../../../src/coordinator/sampling/registry.js';
import { POLICIES } from '../../../src/coordinator/settings.js';
import { accountedFor, bytesOf, charged, FLEET, policyOf, runWith, sum } from '../../support/runs/real-fleet.js';
import { epochsOf, finish, roundsOf, start, storyOf, temporaryFolder } from '../../support/transport/small-run.js';

describe.each(POLICIES)('a fleet under the policy %s', (kind) => {
  it('ends in the same bits after the same virtual timeline on 1 and 4 threads, and accounts for every device', async () => {
    const [one, four] = await Promise.all([1, 4].map((threads) => runWith({ threads, policy: policyOf(kind) })));
    expect(four!.outcome).toEqual(one!.outcome);
    expect(storyOf(four!.events)).toEqual(storyOf(one!.events));

    let inFlight = 0;
    let now = 0;
    for (const round of roundsOf(one!.events)) {
      const { outcomes, virtual, staleness, cohort } = round;
      expect(outcomes.carried).toBe(inFlight);
      expect(accountedFor(outcomes), `round ${round.round}`).toBe(outcomes.assigned + outcomes.carried);
      expect(outcomes.assigned).toBe(cohort);
      expect(charged(round, 'assigned')).toBe(cohort);
      expect(staleness.reduce((total, count) => total + count, 0)).toBe(outcomes.trained);
      expect(virtual!.start).toBe(now);
      expect(virtual!.end).toBeGreaterThan(virtual!.start);
      for (const latency of virtual!.latencies) expect(latency).toBeGreaterThan(0);
      now = virtual!.end;
      ({ inFlight } = outcomes);
    }
    expect(roundsOf(one!.events)).toHaveLength(10);
    expect(epochsOf(one!.events).at(-1)!.virtualTime).toBe(now);
  });

  it('charges devices with the bytes that were on the wire', async () => {
    const fleet = { ...FLEET, availability: 'always', dropoutBefore: 0 };
    const { events } = await runWith({ fleet, policy: policyOf(kind) });
    for (const round of roundsOf(events)) {
      expect(charged(round, 'bytesUp')).toBe(bytesOf(round.traffic, 'up'));
      expect(charged(round, 'bytesDown')).toBe(bytesOf(round.traffic, 'down'));
    }
  });

  it('records of every answer what became of it, and once a round what is left of the device’s budgets', async () => {
    const config = { policy: { ...policyOf(kind), maxStaleness: 0 }, defence: { normMultiple: 1.1 }, recorder: { share: 1 } };
    const rounds = roundsOf((await runWith(config)).events);
    for (const { outcomes, flights } of rounds) {
      const ends = flights.map(({ steps }) => steps.at(-1)!);
      expect(ends.filter(({ step }) => step === 'rejected')).toHaveLength(sum(outcomes.rejected));
      for (const cause of ['norm', 'stale'] as const)
        expect(ends.filter(({ reason }) => reason?.startsWith(`${cause}: update of device`))).toHaveLength(outcomes.rejected[cause] ?? 0);
      expect(ends.filter(({ step }) => step === 'late')).toHaveLength(outcomes.late);
      for (const { steps } of flights)
        expect(steps.filter(({ left }) => left !== undefined)).toHaveLength(steps[0]!.step === 'sampled' ? 1 : 0);
    }
    expect(rounds.some(({ outcomes }) => sum(outcomes.rejected) > 0)).toBe(true);
    if (kind === 'fastest') expect(rounds.some(({ outcomes }) => outcomes.late > 0)).toBe(true);
  });

  it('is resumed from a checkpoint to the end it would have had', async () => {
    const folder = await temporaryFolder();
    const checkpoints = { last: `${folder}/last.checkpoint`, best: `${folder}/best.checkpoint` };
    const [whole, first] = await Promise.all([
      runWith({ policy: policyOf(kind) }),
      runWith({ policy: policyOf(kind), rounds: 5 }, { checkpoints }),
    ]);
    const second = await runWith({ policy: policyOf(kind), threads: 3 }, { checkpoints, resume: checkpoints.last });
    expect(second.outcome.digest).toBe(whole.outcome.digest);
    expect([...storyOf(first.events).rounds, ...storyOf(second.events).rounds]).toEqual(storyOf(whole.events).rounds);
  });
});

describe.each(SAMPLER.builtIns.map(({ name }) => name).filter((name) => name !== 'shuffled' && name !== 'poisson'))(
  '%s selection under buffered rounds',
  (sampling) => {
    it('never asks a device that is still at work, and is resumed to the same end', async () => {
      const folder = await temporaryFolder();
      const checkpoints = { last: `${folder}/last.checkpoint`, best: `${folder}/best.checkpoint` };
      const config = { sampling, policy: policyOf('buffered'), cohort: 4, rounds: 12 };
      const [whole] = await Promise.all([runWith(config), runWith({ ...config, rounds: 7 }, { checkpoints })]);
      const second = await runWith({ ...config, threads: 1 }, { checkpoints, resume: checkpoints.last });
      expect(second.outcome.digest).toBe(whole.outcome.digest);
      for (const { outcomes } of roundsOf(whole.events)) expect(outcomes.assigned + outcomes.carried).toBeLessThanOrEqual(14);
      expect(roundsOf(whole.events).some(({ staleness }) => staleness.length > 1)).toBe(true);
    });
  },
);

it('a fleet in which every device could do it at once trains what no fleet at all trains', async () => {
  const [plain, simulated, inFull] = await Promise.all([
    finish({ config: { delivery: 'subset' } }),
    finish({ config: { delivery: 'subset', fleet: { profiles: 'laptop' } } }),
    finish({ config: { delivery: 'full', fleet: { profiles: 'laptop' } } }),
  ]);
  expect(roundsOf(simulated.events).every(({ outcomes }) => outcomes.trained === outcomes.assigned)).toBe(true);
  expect(simulated.outcome.digest).toBe(plain.outcome.digest);
  expect(inFull.outcome.digest).toBe(plain.outcome.digest);
});

it('a host that dies in the middle of it changes neither Θ nor any budget', async () => {
  const config = { policy: policyOf('buffered') };
  const whole = await runWith(config);
  let killed = false;
  const { run, events } = await start({
    config: { fleet: FLEET, sampling: 'uniform', rounds: 10, ...config },
    onEvent: (event) => {
      if (killed || event.type !== 'round' || event.round < 4) return;
      killed = true;
      run.killThread(1);
    },
  });
  expect((await run.finished).digest).toBe(whole.outcome.digest);
  expect(events.some(({ type }) => type === 'host-lost')).toBe(true);
  const rounds = storyOf(events).rounds.map(({ virtual, outcomes }) => ({ virtual, outcomes }));
  expect(rounds).toEqual(storyOf(whole.events).rounds.map(({ virtual, outcomes }) => ({ virtual, outcomes })));
});

it('refuses policies and availability that need a fleet, where none is configured', async () => {
  await expect(finish({ config: { policy: { kind: 'fastest' } } })).rejects.toThrow(
    /^key policy.kind: expected wait-all, .* found fastest$/,
  );
  await expect(finish({ config: { fleet: { dropoutAfter: 0.1 } } })).rejects.toThrow(/^key fleet.profiles: expected profiles/);
  await expect(finish({ config: { fleet: { profiles: 'toaster' } } })).rejects.toThrow(
    /^key fleet.profiles: expected none, laptop, mix, .* found toaster$/,
  );
  await expect(finish({ config: { fleet: { profiles: 'mix' }, policy: { kind: 'buffered' } } })).rejects.toThrow(
    /^key sampling: expected another than shuffled/,
  );
});
