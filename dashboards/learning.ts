import { buckets, type Dashboard, METRIC, quantile, RUN } from './panels.js';

export const learning: Dashboard = {
  uid: 'metafleet-learning',
  title: 'metafleet: Learning',
  description: 'Loss, metrics of held-out ratings, gradients, staleness: does it learn, and for whom',
  rows: [
    {
      title: 'Metrics',
      panels: [
        {
          title: 'Train loss',
          description: "Mean squared error over the last round's batches, and over the last epoch",
          unit: 'short',
          queries: { round: `metafleet_train_loss{${RUN}}`, epoch: `metafleet_epoch_train_loss{${RUN}}` },
        },
        {
          title: 'Chosen metric on held-out ratings',
          description: 'After each epoch, and at the best epoch by validation',
          unit: 'short',
          queries: {
            '{{part}}': `metafleet_metric{${RUN},${METRIC}}`,
            'best {{part}}': `metafleet_best_metric{${RUN},${METRIC}}`,
          },
        },
        {
          title: 'All metrics on test ratings',
          description: 'After each epoch',
          unit: 'short',
          queries: { '{{metric}}': `metafleet_metric{${RUN},part="test"}` },
        },
        {
          title: 'Chosen metric of those who rate little, middling, much',
          description: 'On test ratings, a twentieth of the fleet each: who is served worse',
          unit: 'short',
          queries: { '{{group}}': `metafleet_group_metric{${RUN},${METRIC},part="test"}` },
        },
        {
          title: 'Epoch',
          description: 'Of the last round',
          unit: 'short',
          queries: { epoch: `metafleet_epoch{${RUN}}`, measured: `metafleet_epochs_total{${RUN}}` },
        },
        {
          title: 'Ratings trained on',
          description: 'Per second, with repetition',
          unit: 'short',
          queries: { ratings: `sum by (run) (rate(metafleet_ratings_trained_total{${RUN}}[$__rate_interval]))` },
        },
      ],
    },
    {
      title: 'Gradients',
      panels: [
        {
          title: 'Gradient norm',
          description: "Global norm of the last round's mean gradient, before clipping",
          unit: 'short',
          queries: { norm: `metafleet_gradient_norm{${RUN}}` },
        },
        {
          title: 'Rounds clipped',
          description: 'Share of rounds whose gradient was longer than the bound, over five minutes',
          unit: 'percentunit',
          queries: { clipped: `run:metafleet_clipped_rounds:ratio_rate5m{${RUN}}` },
          max: 1,
        },
        {
          title: 'Staleness of updates',
          description: 'Steps the model took since it was delivered; 0 unless rounds are buffered',
          unit: 'short',
          queries: { median: quantile(0.5, 'metafleet_update_staleness_rounds'), p95: quantile(0.95, 'metafleet_update_staleness_rounds') },
        },
        {
          title: 'Updates by staleness',
          description: 'How many updates were how many steps old',
          form: 'heatmap',
          unit: 'short',
          queries: buckets('metafleet_update_staleness_rounds'),
        },
        {
          title: 'Parameters and items',
          description: 'Numbers the server trains, and items that can be rated',
          unit: 'short',
          queries: { parameters: `metafleet_parameters{${RUN}}`, items: `metafleet_items{${RUN}}` },
        },
      ],
    },
    {
      title: 'Privacy',
      panels: [
        {
          title: 'Privacy loss',
          description: 'ε of a device after the rounds so far; nothing where no step of the run gives a guarantee',
          unit: 'short',
          queries: { epsilon: `metafleet_privacy_epsilon{${RUN}}` },
        },
        {
          title: 'Chance that the guarantee fails',
          description: 'δ, for which ε is computed',
          unit: 'short',
          queries: { delta: `metafleet_privacy_delta{${RUN}}` },
        },
      ],
    },
  ],
};
