import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const rulesSchema = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.union([
          z.object({ record: z.string(), expr: z.string() }),
          z.object({ alert: z.string(), expr: z.string(), for: z.string().optional() }),
        ]),
      ),
    }),
  ),
});

export type Rule = { readonly name: string; readonly kind: 'recording' | 'alert'; readonly expr: string };

/** Files of rules, in the order in which the rules build on each other. */
export const RULE_FILES = ['dashboards/rules/recording.yaml', 'dashboards/rules/alerts.yaml'] as const;

/** All recording and alert rules of the project at `root`. */
export const readRules = (root = '.'): Rule[] =>
  RULE_FILES.flatMap((file) =>
    rulesSchema.parse(parse(readFileSync(`${root}/${file}`, 'utf8'))).groups.flatMap(({ rules }) =>
      rules.map((rule): Rule => {
        const { expr } = rule;
        return 'record' in rule ? { name: rule.record, kind: 'recording', expr } : { name: rule.alert, kind: 'alert', expr };
      }),
    ),
  );

/** The figure an alert compares, without operator and bound: it exists when nothing is wrong, too. */
export const figureOf = ({ name, expr }: Rule): string => {
  const figure = /^(.*) > [\d.]+$/s.exec(expr.trim())?.[1];
  if (figure === undefined) throw new Error(`alert ${name}: expected "<figure> > <bound>", found ${expr}`);
  return figure;
};
