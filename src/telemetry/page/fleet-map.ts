import type { FleetMap } from '../live/frame.js';
import { byId, setText } from './dom.js';
import { count, percent } from './format.js';
import { colour } from './theme.js';

export type Map = { show(map: FleetMap | null): void; recolour(): void };

type Colours = { readonly empty: Rgb; readonly asked: Rgb; readonly missed: Rgb; readonly now: string; readonly text: string };
type Rgb = readonly [number, number, number];

const rgb = (name: string): Rgb => {
  const [r = 0, g = 0, b = 0] = (colour(name).match(/[\d.]+/g) ?? []).map(Number);
  return [r, g, b];
};

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

type Layer = 'asked' | 'missed';

/** The map on the page, the counts of its cells, and the chosen cell. */
type Shown = { readonly map: FleetMap; readonly values: Readonly<Record<Layer | 'now', Uint8Array>>; readonly chosen: number | undefined };

const layerNow = (): Layer =>
  document.querySelector<HTMLInputElement>('#map-layer input:checked')!.value === 'missed' ? 'missed' : 'asked';

const columnsOf = ({ cells }: FleetMap): number => Math.max(1, Math.ceil(Math.sqrt(2 * cells)));

const coloursNow = (): Colours => ({
  ...{ empty: rgb('empty'), asked: rgb('c1'), missed: rgb('c2') },
  ...{ now: colour('c2'), text: colour('text') },
});

/** Gives the canvas a size in whole pixels for each cell. Returns the pixels of a cell. */
const fitCanvas = (canvas: HTMLCanvasElement, wide: number, high: number): number => {
  const scale = Math.max(1, Math.floor((canvas.clientWidth * devicePixelRatio) / wide));
  if (canvas.width !== wide * scale || canvas.height !== high * scale) {
    canvas.width = wide * scale;
    canvas.height = high * scale;
  }
  return scale;
};

const paint = (canvas: HTMLCanvasElement, { map, values, chosen }: Shown, colours: Colours): void => {
  const context = canvas.getContext('2d')!;
  const layer = layerNow();
  const wide = columnsOf(map);
  const scale = fitCanvas(canvas, wide, Math.ceil(map.cells / wide));
  const outline = (x: number, y: number, size: number, style: string, width: number): void => {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.strokeRect(x + width / 2, y + width / 2, size - width, size - width);
  };
  context.clearRect(0, 0, canvas.width, canvas.height);
  const [strength, full] = [values[layer], colours[layer]];
  const gap = scale > 6 ? 1 : 0;
  for (let cell = 0; cell < map.cells; cell++) {
    const share = strength[cell]! / 255;
    const [r, g, b] = colours.empty.map((from, index) => Math.round(from + (full[index]! - from) * share));
    context.fillStyle = `rgb(${r} ${g} ${b})`;
    const [x, y] = [(cell % wide) * scale, Math.floor(cell / wide) * scale];
    context.fillRect(x, y, scale - gap, scale - gap);
    if (values.now[cell]! > 0 && layer === 'asked') outline(x, y, scale - gap, colours.now, Math.max(1, scale / 7));
    if (cell === chosen) outline(x, y, scale - gap, colours.text, Math.max(2, scale / 5));
  }
};

const textOf = ({ map, values }: Shown, cell: number): string => {
  const first = (of: number): number => Math.ceil((of * map.devices) / map.cells);
  const [from, to] = [first(cell), first(cell + 1) - 1];
  const who = from === to ? `Device ${count(from)}` : `Devices ${count(from)} to ${count(to)}`;
  const rounds = (map.most * values.asked[cell]!) / 255;
  return `${who}: ${rounds.toFixed(1)} rounds a device, ${percent(values.missed[cell]! / 255)} unanswered`;
};

const describe = (canvas: HTMLCanvasElement, slider: HTMLInputElement, shown: Shown): void => {
  const { map, chosen } = shown;
  const layer = layerNow();
  const per = map.devices / map.cells;
  setText(
    byId('fleet-lead'),
    `${count(map.devices)} devices in the order of their ids, ${per <= 1 ? 'one' : `about ${count(per)}`} a cell.`,
  );
  setText(
    byId('scale-high'),
    layer === 'asked' ? `${map.most < 10 ? map.most.toFixed(1) : count(map.most)} rounds a device` : '100 % unanswered',
  );
  setText(byId('scale-low'), '0');
  canvas.setAttribute('aria-label', `Fleet map: ${count(map.devices)} devices in ${map.cells} cells; the slider below tells of each`);
  document.querySelector<HTMLElement>('.ramp')!.style.background =
    `linear-gradient(90deg, var(--empty), var(--${layer === 'asked' ? 'c1' : 'c2'}))`;
  if (chosen === undefined) {
    setText(byId('map-text'), 'Choose a cell by its slider or with a click.');
    return;
  }
  const text = textOf(shown, chosen);
  setText(byId('map-text'), text);
  slider.setAttribute('aria-valuetext', text);
};

/** The fleet as a grid, row by row. A cell is a range of device ids. It is chosen with a slider by keyboard, or with a click. */
export const createMap = (): Map => {
  const canvas = byId<HTMLCanvasElement>('map');
  const slider = byId<HTMLInputElement>('map-cell');
  let shown: Shown | undefined;
  let colours: Colours | undefined;

  const draw = (): void => {
    if (shown === undefined || shown.map.cells === 0) return;
    colours ??= coloursNow();
    paint(canvas, shown, colours);
  };
  const update = (): void => {
    if (shown !== undefined && shown.map.cells > 0) describe(canvas, slider, shown);
    draw();
  };
  const choose = (cell: number): void => {
    if (shown === undefined || cell < 0 || cell >= shown.map.cells) return;
    shown = { ...shown, chosen: cell };
    slider.value = String(cell);
    update();
  };

  slider.addEventListener('input', () => choose(slider.valueAsNumber));
  canvas.addEventListener('click', ({ offsetX, offsetY }) => {
    if (shown === undefined) return;
    const columns = columnsOf(shown.map);
    const side = canvas.clientWidth / columns;
    choose(Math.floor(offsetY / side) * columns + Math.min(columns - 1, Math.floor(offsetX / side)));
  });
  byId('map-layer').addEventListener('change', update);

  return {
    show: (map) => {
      if (map === null || map === shown?.map) return;
      const values = { asked: bytesOf(map.asked), missed: bytesOf(map.missed), now: bytesOf(map.now) };
      shown = { map, values, chosen: shown?.chosen };
      slider.max = String(Math.max(0, map.cells - 1));
      if (map.cells > 0) canvas.style.aspectRatio = `${columnsOf(map)} / ${Math.ceil(map.cells / columnsOf(map))}`;
      update();
    },
    recolour: () => {
      colours = undefined;
      draw();
    },
  };
};
