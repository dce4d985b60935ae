// The tests that `metafleet new algorithm` writes, on the algorithm that it writes.
import '../../src/cli/templates/algorithm/index.test.js';
