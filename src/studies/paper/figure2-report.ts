import { type Chart, renderChart } from '../../report/charts/chart.js';
import { formatCount } from '../../report/format.js';
import { html } from '../../report/page/html.js';
import { figures, renderPage } from '../../report/page/page.js';
import type { Figure2Result, Panel } from './figure2.js';
import { PAPER } from './published.js';
import { additionsNote, QUICK_NOTE, UNTUNED_NOTE } from './table-text.js';

/** Quarters of the shown users by activity, least active first, ties in order of the users: positions in `users`. */
const quartersOf = (activity: readonly number[]): readonly (readonly number[])[] => {
  const order = activity.map((_, index) => index).sort((a, b) => activity[a]! - activity[b]! || a - b);
  return [0, 1, 2, 3].map((quarter) => order.slice((quarter * order.length) / 4, ((quarter + 1) * order.length) / 4));
};

const chartOf = (title: string, { points, dimensions }: Panel, activity: readonly number[]): Chart => ({
  title,
  description: `A point a user, ${dimensions} numbers reduced to two, each axis normalized by mean and standard deviation; colours by activity.`,
  x: { name: 'first dimension (σ)' },
  y: { name: 'second dimension (σ)' },
  series: quartersOf(activity)
    .filter((quarter) => quarter.length > 0)
    .map((quarter) => ({
      kind: 'scatter',
      name: `${formatCount(activity[quarter[0]!]!)} to ${formatCount(activity[quarter.at(-1)!]!)} ratings`,
      points: quarter.map((index) => points[index]!),
      size: 4,
    })),
});

export const figure2Charts = ({
  weights,
  embeddings,
  activity,
  item,
}: Figure2Result): { readonly weights: Chart; readonly items: Chart } => ({
  weights: chartOf('Generated weights of the rating-prediction model', weights, activity),
  items: chartOf(`Generated embeddings of item ${item}`, embeddings, activity),
});

/** An SVG file of one panel. */
export const figure2Svg = (chart: Chart): string => renderChart(chart, { width: 560, height: 520, standalone: true });

export const figure2Page = (result: Figure2Result): string => {
  const { data, run, environment } = result;
  const { weights, items } = figure2Charts(result);
  const notes = [...(result.quick ? [QUICK_NOTE] : []), ...(data.measured ? [] : [UNTUNED_NOTE]), ...additionsNote([run])];
  return renderPage({
    title: `Figure 2: what is generated for each user, on ${data.title ?? data.name}`,
    lead: 'Does MetaMF generate different models for different users, and alike ones for users who are alike?',
    sections: [
      {
        title: 'Weights and item embeddings',
        lead: html`${notes.length > 0 && html`<strong>${notes.join(' ')}</strong> `}${formatCount(result.users.length)} of ${formatCount(data.users)} users, drawn by the seed.
UMAP where the paper has t-SNE; the item is drawn by the seed, too.`,
        body: [figures([weights, items])],
      },
      {
        title: 'How to reproduce it',
        lead: html`<code>${result.command}</code>`,
        body: [
          html`<p>Run: <code>${run.command}</code>, seed ${run.seed}, best epoch ${run.epoch ?? '-'}, digest of Θ at the end <code>${run.digest ?? '-'}</code>.</p>`,
        ],
      },
    ],
    footer: html`metafleet ${environment.metafleet}, Node ${environment.node}, ${environment.platform}. The figure it follows: ${PAPER}, section 6.2.`,
  });
};

export const figure2Text = (result: Figure2Result): string =>
  [
    `Figure 2, on ${result.data.title ?? result.data.name}: ${formatCount(result.users.length)} users, item ${result.item}, run ${result.run.run}`,
    ...(result.quick ? [QUICK_NOTE] : []),
    ...(result.data.measured ? [] : [UNTUNED_NOTE]),
    ...additionsNote([result.run]),
  ].join('\n');
