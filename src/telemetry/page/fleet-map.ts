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

/** The fleet as a grid, row by row: a cell is a range of device ids. A slider walks it by keyboard, a click by pointer. */
export const createMap = (): Map => {
  const canvas = byId<HTMLCanvasElement>('map');
  const slider = byId<HTMLInputElement>('map-cell');
  const context = canvas.getContext('2d')!;
  let map: FleetMap | null = null;
  let values = { asked: new Uint8Array(), missed: new Uint8Array(), now: new Uint8Array() };
  let colours: Colours | undefined;
  let chosen: number | undefined;

  const layer = (): 'asked' | 'missed' =>
    document.querySelector<HTMLInputElement>('#map-layer input:checked')!.value === 'missed' ? 'missed' : 'asked';
  const columns = (): number => (map === null ? 1 : Math.max(1, Math.ceil(Math.sqrt(2 * map.cells))));
  const first = (cell: number): number => Math.ceil((cell * map!.devices) / map!.cells);

  const draw = (): void => {
    if (map === null || map.cells === 0) return;
    colours ??= { empty: rgb('empty'), asked: rgb('c1'), missed: rgb('c2'), now: colour('c2'), text: colour('text') };
    const wide = columns();
    const high = Math.ceil(map.cells / wide);
    const scale = Math.max(1, Math.floor((canvas.clientWidth * devicePixelRatio) / wide));
    if (canvas.width !== wide * scale || canvas.height !== high * scale) {
      canvas.width = wide * scale;
      canvas.height = high * scale;
    }
    context.clearRect(0, 0, canvas.width, canvas.height);
    const [strength, full] = [values[layer()], colours[layer()]];
    const gap = scale > 6 ? 1 : 0;
    for (let cell = 0; cell < map.cells; cell++) {
      const share = strength[cell]! / 255;
      const [r, g, b] = colours.empty.map((from, index) => Math.round(from + (full[index]! - from) * share));
      context.fillStyle = `rgb(${r} ${g} ${b})`;
      const [x, y] = [(cell % wide) * scale, Math.floor(cell / wide) * scale];
      context.fillRect(x, y, scale - gap, scale - gap);
      if (values.now[cell]! > 0 && layer() === 'asked') outline(x, y, scale - gap, colours.now, Math.max(1, scale / 7));
      if (cell === chosen) outline(x, y, scale - gap, colours.text, Math.max(2, scale / 5));
    }
  };
  const outline = (x: number, y: number, size: number, style: string, width: number): void => {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.strokeRect(x + width / 2, y + width / 2, size - width, size - width);
  };
  const describe = (): void => {
    if (map === null || map.cells === 0) return;
    const per = map.devices / map.cells;
    setText(
      byId('fleet-lead'),
      `${count(map.devices)} devices in the order of their ids, ${per <= 1 ? 'one' : `about ${count(per)}`} a cell.`,
    );
    setText(
      byId('scale-high'),
      layer() === 'asked' ? `${map.most < 10 ? map.most.toFixed(1) : count(map.most)} rounds a device` : '100 % unanswered',
    );
    setText(byId('scale-low'), '0');
    canvas.setAttribute('aria-label', `Fleet map: ${count(map.devices)} devices in ${map.cells} cells; the slider below tells of each`);
    document.querySelector<HTMLElement>('.ramp')!.style.background =
      `linear-gradient(90deg, var(--empty), var(--${layer() === 'asked' ? 'c1' : 'c2'}))`;
    if (chosen === undefined) {
      setText(byId('map-text'), 'Choose a cell by its slider or with a click.');
      return;
    }
    const [from, to] = [first(chosen), first(chosen + 1) - 1];
    const who = from === to ? `Device ${count(from)}` : `Devices ${count(from)} to ${count(to)}`;
    const rounds = (map.most * values.asked[chosen]!) / 255;
    const text = `${who}: ${rounds.toFixed(1)} rounds a device, ${percent(values.missed[chosen]! / 255)} unanswered`;
    setText(byId('map-text'), text);
    slider.setAttribute('aria-valuetext', text);
  };
  const choose = (cell: number): void => {
    if (map === null || cell < 0 || cell >= map.cells) return;
    chosen = cell;
    slider.value = String(cell);
    describe();
    draw();
  };

  slider.addEventListener('input', () => choose(slider.valueAsNumber));
  canvas.addEventListener('click', ({ offsetX, offsetY }) => {
    const side = canvas.clientWidth / columns();
    choose(Math.floor(offsetY / side) * columns() + Math.min(columns() - 1, Math.floor(offsetX / side)));
  });
  byId('map-layer').addEventListener('change', () => {
    describe();
    draw();
  });

  return {
    show: (next) => {
      if (next === null || next === map) return;
      map = next;
      values = { asked: bytesOf(next.asked), missed: bytesOf(next.missed), now: bytesOf(next.now) };
      slider.max = String(Math.max(0, next.cells - 1));
      if (next.cells > 0) canvas.style.aspectRatio = `${columns()} / ${Math.ceil(next.cells / columns())}`;
      describe();
      draw();
    },
    recolour: () => {
      colours = undefined;
      draw();
    },
  };
};
