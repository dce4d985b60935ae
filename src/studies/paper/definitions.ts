import { AUTHORS, BUDGETS, configurationsFor, SCALES, type Settings } from './configurations.js';
import {
  PAPER,
  type PaperSet,
  type Published,
  REPRODUCED,
  REPRODUCED_BUDGETS,
  REPRODUCED_GROUPS,
  REPRODUCTION,
  TABLE_2,
  TABLE_3,
  TABLE_4,
} from './published.js';

/** One configuration of a study, trained once a seed; and what others have published of the same. */
export type Line = {
  readonly label: string;
  /** Later settings come on top of earlier ones. */
  readonly settings: readonly Settings[];
  readonly published: readonly PublishedFigure[];
};

/** `group`: of one activity group; else of the whole test part. MSE is not always published. */
export type PublishedFigure = {
  readonly source: string;
  readonly mae: number;
  readonly mse: number | null;
  readonly group?: 'low' | 'medium' | 'high';
};

/** Rows that have been published and are not trained here. */
export type OtherRow = { readonly label: string; readonly figure: PublishedFigure };

export type Study = {
  readonly title: string;
  /** What is asked, in a sentence. */
  readonly question: string;
  readonly lines: readonly Line[];
  readonly others: readonly OtherRow[];
  /** Pairs of labels for the paired t-test. */
  readonly comparisons: readonly (readonly [string, string])[];
  /** Fits the central baselines as well, and compares the first line with each. */
  readonly baselines: boolean;
  /** Shows errors by activity. */
  readonly groups: boolean;
};

export const STUDIES = ['table2', 'table3', 'table4', 'groups', 'budget'] as const;
export type StudyName = (typeof STUDIES)[number];

const figure = (source: string, published: Published | undefined): readonly PublishedFigure[] =>
  published === undefined ? [] : [{ source, mae: published[0], mse: published[1] }];

const inPaper = (
  table: Readonly<Record<string, Readonly<Partial<Record<PaperSet, Published>>>>>,
  label: string,
  set: PaperSet | undefined,
) => figure(PAPER, set && table[label]?.[set]);

/** What was published of MetaMF itself. */
const ofMetaMF = (set: PaperSet | undefined) => [...inPaper(TABLE_2, 'MetaMF', set), ...figure(REPRODUCTION, set && REPRODUCED[set])];

const NO_EXTRAS = { others: [], comparisons: [], baselines: false, groups: false } as const;

const table2 = (set: PaperSet | undefined): Study => {
  const { table, fedavg } = configurationsFor(set);
  const others = Object.keys(TABLE_2).filter((label) => label !== 'MetaMF');
  return {
    ...NO_EXTRAS,
    title: 'Table 2: MetaMF and other recommenders',
    question: 'What does federation cost in accuracy?',
    lines: [
      { label: 'MetaMF', settings: [table], published: ofMetaMF(set) },
      { label: fedavg.label, settings: [fedavg.settings], published: [] },
    ],
    others: others.flatMap((label) => inPaper(TABLE_2, label, set).map((each) => ({ label, figure: each }))),
    baselines: true,
  };
};

const table3 = (set: PaperSet | undefined): Study => {
  const { table, variants } = configurationsFor(set);
  const variant = (label: string, name: 'si' | 'sm'): Line => ({
    label,
    settings: [table, variants[name], { metamf: { variant: name } }],
    published: inPaper(TABLE_3, label, set),
  });
  return {
    ...NO_EXTRAS,
    title: 'Table 3: private or shared, part by part',
    question: 'What do private item embeddings and private rating-prediction models contribute?',
    lines: [{ label: 'MetaMF', settings: [table], published: ofMetaMF(set) }, variant('MetaMF-SI', 'si'), variant('MetaMF-SM', 'sm')],
    comparisons: [
      ['MetaMF', 'MetaMF-SI'],
      ['MetaMF', 'MetaMF-SM'],
      ['MetaMF-SI', 'MetaMF-SM'],
    ],
  };
};

const PAPER_SCALE = '(32, [8, 1], [128, 512])';

const table4 = (set: PaperSet | undefined): Study => ({
  ...NO_EXTRAS,
  title: 'Table 4: scales of the model, (d, [f, 1], [k, o])',
  question: 'How small may the model be?',
  lines: Object.entries(SCALES).map(([label, scale]) => ({
    label,
    settings: [configurationsFor(set).table, scale],
    published: inPaper(TABLE_4, label, set),
  })),
  comparisons: Object.keys(SCALES)
    .filter((label) => label !== PAPER_SCALE)
    .map((label) => [PAPER_SCALE, label]),
});

const groups = (set: PaperSet | undefined): Study => ({
  ...NO_EXTRAS,
  title: 'Errors by activity',
  question: 'Who is left out: how does the error differ between users with few and with many ratings?',
  lines: [
    {
      label: 'MetaMF',
      settings: [configurationsFor(set).table],
      published: Object.entries((set && REPRODUCED_GROUPS[set]) ?? {}).map(([group, mae]) => ({
        source: REPRODUCTION,
        mae,
        mse: null,
        group: group as 'low' | 'medium' | 'high',
      })),
    },
  ],
  groups: true,
});

const budgetLabel = (share: number): string => `β = ${share}`;

const budget = (set: PaperSet | undefined): Study => ({
  ...NO_EXTRAS,
  title: 'Data budget: a share β of each user’s training ratings',
  question: 'How few of their ratings may users give?',
  lines: BUDGETS.map((share, index) => {
    const mae = set && REPRODUCED_BUDGETS[set]?.[index];
    return {
      label: budgetLabel(share),
      settings: [configurationsFor(set).table, { dataBudget: share }],
      published: mae === undefined ? [] : [{ source: REPRODUCTION, mae, mse: null }],
    };
  }),
  comparisons: BUDGETS.slice(1).map((share) => [budgetLabel(1), budgetLabel(share)]),
});

const DEFINITIONS: Readonly<Record<StudyName, (set: PaperSet | undefined) => Study>> = { table2, table3, table4, groups, budget };

export const studyOf = (name: StudyName, set: PaperSet | undefined): Study => DEFINITIONS[name](set);

export const AUTHORS_LABEL = "the authors' regime";

/** The regimes of the bytes-to-accuracy study. The authors' is trained only if asked for: a finished run of it can be included instead. */
export const regimesOf = (set: PaperSet | undefined, { authors }: { readonly authors: boolean }): readonly Line[] => [
  ...(authors ? [{ label: AUTHORS_LABEL, settings: [AUTHORS], published: ofMetaMF(set) }] : []),
  ...Object.entries(configurationsFor(set).federated).map(([label, settings]) => ({ label, settings: [settings], published: [] })),
];
