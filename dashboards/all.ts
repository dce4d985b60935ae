import { deviceBudgets } from './device-budgets.js';
import { experimentCompare } from './experiment-compare.js';
import { fleet } from './fleet.js';
import { learning } from './learning.js';
import type { Dashboard } from './panels.js';
import { roundAnatomy } from './round-anatomy.js';

export const DASHBOARDS: readonly Dashboard[] = [fleet, roundAnatomy, deviceBudgets, learning, experimentCompare];
