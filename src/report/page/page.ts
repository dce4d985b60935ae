import { type Chart, renderChart } from '../charts/chart.js';
import { type Html, html, trusted } from './html.js';
import { PAGE_STYLE } from './page-style.js';

/** A page of one file: style, charts and data within, no script, no address outside. It opens offline, on a phone, and prints. */
export type Page = {
  readonly title: string;
  /** Under the title: what this is, in a sentence. */
  readonly lead: Html | string;
  readonly sections: readonly Section[];
  readonly footer?: Html | string;
};

export type Section = {
  readonly title: string;
  readonly lead?: Html | string;
  readonly body: readonly Html[];
};

export const renderPage = ({ title, lead, sections, footer }: Page): string => {
  const placed = withIds(sections);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${title}</title>
<style>${trusted(PAGE_STYLE)}</style>
</head>
<body>
<header><div class="wrap">
<div><h1>${title}</h1>
<p class="lead">${lead}</p></div>
${THEME}
${placed.length > 1 && html`<nav aria-label="Sections">${placed.map(({ id, section }) => html`<a href="#${id}">${section.title}</a>`)}</nav>`}
</div></header>
<main class="wrap">
${placed.map(
  ({ id, section }) => html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${section.title}</h2>
${section.lead !== undefined && html`<p class="lead">${section.lead}</p>`}
${section.body}
</section>
`,
)}</main>
${footer !== undefined && html`<footer class="wrap">${footer}</footer>`}
</body>
</html>
`;
  return page.markup;
};

const THEME = html`<fieldset class="theme"><legend>Colours</legend>
<label><input type="radio" name="theme" id="theme-auto" checked>auto</label><label><input type="radio" name="theme" id="theme-light">light</label><label><input type="radio" name="theme" id="theme-dark">dark</label>
</fieldset>`;

const withIds = (sections: readonly Section[]): { readonly id: string; readonly section: Section }[] => {
  const used = new Set<string>();
  return sections.map((section) => {
    const base = slug(section.title);
    let id = base;
    for (let copy = 2; used.has(id); copy++) id = `${base}-${copy}`;
    used.add(id);
    return { id, section };
  });
};

const slug = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '') || 'section';

/** The chart at two widths, of which the page shows the one that fits, and what it says in words. */
export const figure = (chart: Chart, caption: Html | string = chart.description ?? ''): Html => drawn(chart, caption, FULL);

/** Charts side by side where there is room, with their descriptions as captions. */
export const figures = (charts: readonly Chart[]): Html =>
  html`<div class="figures">${charts.map((chart) => drawn(chart, chart.description ?? '', HALF))}</div>`;

const FULL = { width: 1080, height: 400 };
const HALF = { width: 520, height: 320 };
const PHONE = { width: 310, height: 280 };

const drawn = (chart: Chart, caption: Html | string, size: { readonly width: number; readonly height: number }): Html => html`<figure>
<div class="wide">${trusted(renderChart(chart, size))}</div><div class="narrow">${trusted(renderChart(chart, PHONE))}</div>
${caption !== '' && html`<figcaption>${caption}</figcaption>`}
</figure>`;

/** Large numbers at a glance: what, how much, and a note. */
export const tiles = (facts: readonly { readonly name: string; readonly value: string; readonly note?: string }[]): Html =>
  html`<dl class="tiles">${facts.map(
    ({ name, value, note }) => html`<div><dt>${name}</dt><dd>${value}${note !== undefined && html` <small>${note}</small>`}</dd></div>`,
  )}</dl>`;

export type Column = { readonly title: string; readonly numeric?: boolean };
export type Table = {
  readonly caption: string;
  readonly columns: readonly Column[];
  /** The first cell of a row names it. */
  readonly rows: readonly (readonly (Html | string | number)[])[];
};

const classOf = (column: Column | undefined): Html => (column?.numeric === true ? html` class="number"` : html``);

/** Scrolls sideways where it does not fit, by keyboard, too. */
export const table = ({
  caption,
  columns,
  rows,
}: Table): Html => html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${columns.map((column) => html`<th scope="col"${classOf(column)}>${column.title}</th>`)}</tr></thead>
<tbody>${rows.map(
  ([name, ...cells]) =>
    html`<tr><th scope="row"${classOf(columns[0])}>${name}</th>${cells.map((cell, index) => html`<td${classOf(columns[index + 1])}>${cell}</td>`)}</tr>
`,
)}</tbody></table></div>`;

/** A file within the page. */
export type Download = { readonly file: string; readonly text: string };

const TYPES: Readonly<Record<string, string>> = {
  json: 'application/json',
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
  svg: 'image/svg+xml',
};

/** Links that save the data behind a page. */
export const downloads = (files: readonly Download[]): Html =>
  html`<ul class="downloads">${files.map(({ file, text }) => {
    const type = TYPES[file.slice(file.lastIndexOf('.') + 1)] ?? 'text/plain';
    const data = Buffer.from(text).toString('base64');
    return html`<li><a download="${file}" href="data:${type};charset=utf-8;base64,${data}">${file}</a></li>`;
  })}</ul>`;

/** RFC 4180: quoted where a cell needs it; a number that is not finite is an empty cell. */
export const csv = (columns: readonly string[], rows: readonly (readonly (string | number | boolean | null)[])[]): string =>
  [columns, ...rows].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');

const csvCell = (cell: string | number | boolean | null): string => {
  const text = cell === null || (typeof cell === 'number' && !Number.isFinite(cell)) ? '' : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
