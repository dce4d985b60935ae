/**
 * Ending the process early, at the user's word. What is being written is written to the end or removed, so that nothing half-written stays.
 * The code that writes registers how. Nothing here runs when a process comes to its end by itself.
 */
type Task = () => void | Promise<void>;

const tasks = new Set<Task>();
let isLeaving = false;

/** A disk that hangs must not keep the user waiting. */
const MOST_MILLIS = 3000;

/** Registers what must be done before the process may end early. Returns what takes it back. */
export const beforeLeaving = (task: Task): (() => void) => {
  tasks.add(task);
  return () => void tasks.delete(task);
};

/** Ends the process with this exit code, once all that was registered is done. A second call does not wait any more. */
export const leave = async (code: number): Promise<void> => {
  if (isLeaving) process.exit(code);
  isLeaving = true;
  const late = setTimeout(() => process.exit(code), MOST_MILLIS);
  await Promise.allSettled([...tasks].map(async (task) => task()));
  clearTimeout(late);
  process.exit(code);
};
