import type { Chart } from '../../report/charts/chart.js';
import { formatBytes, formatCount, formatError, formatSpan } from '../../report/format.js';
import { html } from '../../report/page/html.js';
import { downloads, figure, renderPage, type Section, table } from '../../report/page/page.js';
import type { BytesResult, CurvePoint, Reached, Regime } from './bytes-study.js';
import { PAPER, REPRODUCTION } from './published.js';
import { columnsText, QUICK_NOTE, UNTUNED_NOTE } from './table-text.js';

const errors = (point: Reached): string =>
  point === null ? '-' : `${formatError(point.mse ?? Number.NaN)} (MAE ${formatError(point.mae ?? Number.NaN)}, by epoch ${point.epoch})`;

const costs = (point: Reached, devices: number): string[] =>
  point === null
    ? ['not reached', '-', '-', '-', '-']
    : [
        formatCount(point.round),
        formatBytes(point.bytesDown / devices),
        formatBytes(point.bytesUp / devices),
        formatSpan(point.wallMillis),
        point.cpuMillis === 0 ? '-' : formatSpan(point.cpuMillis),
      ];

const withinRows = ({ regimes, authors }: BytesResult): string[][] => [
  [
    'regime',
    `within ${formatCount(authors.rounds / 10)} rounds (1/10)`,
    `within ${formatCount(authors.rounds / 100)} rounds (1/100)`,
    'all it ran',
    'rounds run',
  ],
  ...regimes.map(({ label, seed, within, curve }) => {
    const end = curve.at(-1) ?? null;
    return [`${label}, seed ${seed}`, errors(within.tenth), errors(within.hundredth), errors(end), formatCount(end?.round ?? 0)];
  }),
];

const reachedRows = ({ regimes, targets }: BytesResult): string[][] => [
  ['to test MSE', 'rounds', 'down per device', 'up per device', 'wall time', 'processor time'],
  ...targets.flatMap((target, index) =>
    regimes.map(({ label, seed, devices, reached }) => [`≤ ${target}: ${label}, seed ${seed}`, ...costs(reached[index]!, devices)]),
  ),
];

const peerText = ({ peer }: BytesResult): string =>
  peer.goal === null
    ? ''
    : `PyTorch would take ${formatSpan(peer.goal.hours * 3_600_000)} to MSE ≤ ${peer.goal.mse}: extrapolated from ${peer.millisPerStep} ms a step (${peer.source}) and ${formatCount(peer.goal.steps)} steps (${peer.goal.by}).`;

const notes = ({ quick, data, missing }: BytesResult): string[] => [
  ...(quick ? [QUICK_NOTE] : []),
  ...(data.measured ? [] : [UNTUNED_NOTE]),
  ...(missing.length === 0 ? [] : [`Not trained yet: ${missing.join('; ')} (the same command continues).`]),
];

const titleOf = ({ data }: BytesResult): string => `Bytes to accuracy, on ${data.title ?? data.name}`;

export const bytesText = (result: BytesResult): string =>
  [
    titleOf(result),
    ...notes(result),
    '',
    columnsText(withinRows(result)),
    ...(result.targets.length === 0 ? [] : ['', columnsText(reachedRows(result))]),
    ...(result.peer.goal === null ? [] : ['', peerText(result)]),
  ].join('\n');

const chartOf = (regimes: readonly Regime[], title: string, name: string, x: (point: CurvePoint, devices: number) => number): Chart => ({
  title,
  description: `${title}: test MSE at the best validation MSE so far, one line a regime and seed; the axis of costs is logarithmic.`,
  x: { name, scale: 'log' },
  y: { name: 'test MSE' },
  series: regimes.map(({ label, seed, curve, devices }) => ({
    kind: 'line',
    name: `${label}, seed ${seed}`,
    points: curve.map((point) => [x(point, devices), point.mse ?? Number.NaN]),
  })),
});

const tableOf = ([head = [], ...rows]: string[][], caption: string) =>
  table({ caption, columns: head.map((title, index) => ({ title, numeric: index > 0 })), rows });

export const bytesPage = (result: BytesResult): string => {
  const { regimes, authors, environment } = result;
  const warnings = notes(result);
  const sections: Section[] = [
    {
      title: 'What an error costs',
      ...(warnings.length === 0 ? {} : { lead: html`<strong>${warnings.join(' ')}</strong>` }),
      body: [
        figure(
          chartOf(
            regimes,
            'Error against bytes',
            'MB down and up, per device of the fleet',
            ({ bytesDown, bytesUp }, devices) => (bytesDown + bytesUp) / devices / 1e6,
          ),
        ),
        figure(chartOf(regimes, 'Error against rounds', 'rounds', ({ round }) => round)),
      ],
    },
    {
      title: 'Within a tenth and a hundredth of the rounds',
      lead: `The authors' regime is ${formatCount(authors.roundsPerEpoch)} rounds an epoch, ${authors.epochs} epochs: ${formatCount(authors.rounds)} rounds of 64 devices with one rating each.`,
      body: [tableOf(withinRows(result), 'Test error at the best validation MSE within so many rounds')],
    },
    ...(result.targets.length === 0
      ? []
      : [
          {
            title: 'Rounds, bytes and time to an error',
            body: [
              tableOf(reachedRows(result), 'The first measured epoch that had it; times with measurements, processor time of all threads'),
            ],
          },
        ]),
    ...(result.peer.goal === null ? [] : [{ title: 'Compared with PyTorch', lead: peerText(result), body: [] }]),
    {
      title: 'How to reproduce it',
      lead: html`All of it: <code>${result.command}</code>. One run alone, to the same digest: the command next to it.`,
      body: [
        table({
          caption: 'Every run, and what reproduces it',
          columns: [
            { title: 'regime' },
            { title: "added to the paper's model" },
            { title: 'seed', numeric: true },
            { title: 'digest of Θ' },
            { title: 'command' },
          ],
          rows: regimes.map(({ label, additions, seed, digest, command }) => [
            label,
            additions.join(', ') || '-',
            seed,
            html`<code>${digest ?? 'not ended'}</code>`,
            html`<code>${command}</code>`,
          ]),
        }),
        downloads([{ file: `bytes-${result.data.name}.json`, text: JSON.stringify(result, null, 1) }]),
      ],
    },
  ];
  return renderPage({
    title: titleOf(result),
    lead: 'How few rounds and bytes does an accuracy take?',
    sections,
    footer: html`metafleet ${environment.metafleet}, Node ${environment.node}, ${environment.platform}, ${environment.cpu}, ${environment.cpus} processors. Sources of targets: ${PAPER}; ${REPRODUCTION}.`,
  });
};
