import { createCharts } from './charts.js';
import { connect } from './connection.js';
import { startDevice } from './device.js';
import { createMap } from './fleet-map.js';
import { showClasses, showLog, showOutcomes, showPhases, showState, showTiles } from './panels.js';
import { startTheme } from './theme.js';

/** Frames come at most ten times a second. A hidden page draws none. */
let asked = false;
const draw = (): void => {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    render();
  });
};

const charts = createCharts();
const map = createMap();
const connection = connect(draw);
const device = startDevice();
startTheme(() => {
  charts.recolour();
  map.recolour();
  draw();
});
new ResizeObserver(() => {
  charts.resize();
  draw();
}).observe(document.body);

const render = (): void => {
  const model = connection.model();
  showState(model, connection.lost());
  if (model === undefined) return;
  showTiles(model);
  showPhases(model.frame);
  showOutcomes(model.frame);
  showClasses(model.frame.profiles);
  showLog(model.log);
  charts.show(model.run, model.history, model.scores);
  map.show(model.frame.map);
  device.show(model.run);
};
