// The server gives the page uPlot's own ES module under this name: a browser resolves no package names.
import uPlot from 'uplot';

export default uPlot;
