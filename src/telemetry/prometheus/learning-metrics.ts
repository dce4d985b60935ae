import type { EpochFinished } from '../../events/evaluation.js';
import type { Instruments, Labels } from './instruments.js';
import type { Subject } from './subject.js';

export const learningMetrics = ({ counter, gauge, gauges }: Instruments): Subject => {
  const parameters = gauge('parameters', 'Numbers that the server trains');
  const rounds = counter('rounds_total', 'Rounds finished by this process');
  const epochs = counter('epochs_total', 'Epochs measured by this process');
  const round = gauge('round', 'Last round finished, counted over the whole run');
  const planned = gauge('planned_rounds', 'Rounds of the whole run, if nothing stops it early; NaN if a time ends it');
  const epoch = gauge('epoch', 'Epoch of the last round');
  const ratings = counter('ratings_trained_total', 'Ratings trained on, with repetition');
  const clipped = counter('clipped_rounds_total', 'Rounds whose gradient was clipped');
  const loss = gauge('train_loss', "Mean squared error over the last round's batches, before the step");
  const epochLoss = gauge('epoch_train_loss', 'Mean train loss of the last epoch, weighted by ratings');
  const epsilon = gauge(
    'privacy_epsilon',
    'Differential privacy that the noise of all rounds has spent; infinite: no guarantee; none without noise',
  );
  const delta = gauge('privacy_delta', 'The chance that privacy_epsilon leaves out');
  const norm = gauge('gradient_norm', "Global norm of the last round's mean gradient, before clipping");
  const ofGroup = gauges(
    'group_metric',
    ['group', 'part', 'metric'],
    'Last metrics of a twentieth of the fleet, by the number of ratings of its devices',
  );
  const labels = ['part', 'metric'];
  const last = gauges('metric', labels, 'Metric of held-out ratings after the last measured epoch; no series if nothing was measured');
  const best = gauges('best_metric', labels, 'Metric of held-out ratings at the best epoch by validation');

  /** A measure of nothing has no series. */
  const set = (of: typeof last, scores: Pick<EpochFinished, 'valid' | 'test'>, more: Labels = {}): void => {
    for (const part of ['valid', 'test'] as const)
      for (const [metric, value] of Object.entries(scores[part].metrics)) of({ ...more, part, metric }).value = value ?? undefined;
  };
  return {
    started: (event) => {
      parameters.value = event.parameters;
      round.value = event.round;
      planned.value = event.ends === null ? event.rounds : Number.NaN;
    },
    round: (event) => {
      rounds.value += 1;
      round.value = event.round;
      epoch.value = event.epoch;
      ratings.value += event.ratings;
      if (event.clipped) clipped.value += 1;
      loss.value = event.loss ?? undefined;
      if (event.privacy !== null) {
        epsilon.value = event.privacy.epsilon ?? Number.POSITIVE_INFINITY;
        delta.value = event.privacy.delta;
      }
      norm.value = event.gradientNorm;
    },
    epoch: (event) => {
      epochs.value += 1;
      epochLoss.value = event.trainLoss ?? undefined;
      set(last, event);
      if (event.best) set(best, event);
      for (const { group, ...scores } of event.groups) set(ofGroup, scores, { group });
    },
  };
};
