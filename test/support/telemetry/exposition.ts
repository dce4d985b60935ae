/**
 * Prometheus text format 0.0.4, read strictly. Throws on a line that is neither comment nor sample, on a sample without
 * TYPE, and on a series that comes twice.
 */
export const parseExposition = (text: string) => {
  const values = new Map<string, number>();
  const typed = new Set<string>();
  const names = new Set<string>();
  const labels = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue;
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line);
    if (type) {
      typed.add(type[1]!);
      continue;
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line);
    if (!sample) throw new Error(`not a sample: ${line}`);
    const [, name = '', inner = '', value] = sample;
    if (!typed.has(name) && !typed.has(name.replace(/_(bucket|sum|count)$/, ''))) throw new Error(`no TYPE before ${line}`);
    const pairs = [...inner.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, label, content]) => [label!, content!] as const);
    for (const [label] of pairs) labels.add(label);
    const key = seriesKey(name, pairs);
    if (values.has(key)) throw new Error(`twice: ${key}`);
    names.add(name);
    values.set(key, value === '+Inf' || value === 'Infinity' ? Number.POSITIVE_INFINITY : value === 'Nan' ? Number.NaN : Number(value));
  }
  return {
    names: [...names],
    labels,
    series: [...values.keys()],
    value: (name: string, wanted: Readonly<Record<string, string>> = {}): number | undefined =>
      values.get(seriesKey(name, Object.entries(wanted))),
  };
};

const seriesKey = (name: string, pairs: readonly (readonly [string, string])[]): string =>
  `${name}{${[...pairs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, content]) => `${label}=${content}`)
    .join(',')}}`;
