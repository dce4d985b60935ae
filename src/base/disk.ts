/** What to do about a file that cannot be written, by the system's error code. */
const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'free space on that disk',
  EDQUOT: 'free space in your quota of that disk',
  EFBIG: 'raise the limit on the size of files (ulimit -f)',
  EROFS: 'make that disk writable again',
  EACCES: 'make that folder writable for this user',
  EPERM: 'make that folder writable for this user',
  ENOENT: 'put the folder back',
  EIO: 'look after that disk',
};

/** ` (free space …)`, or nothing where the code says nothing. */
export const whatToDo = (error: unknown): string => {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  const advice = Object.hasOwn(ADVICE, code) ? ADVICE[code] : undefined;
  return advice === undefined ? '' : ` (${advice})`;
};
