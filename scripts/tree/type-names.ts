import { Visitor } from 'oxc-parser';
import { filesUnder, readSource } from '../sources.js';

/** `definition`: without comments, and in one line. */
type ExportedType = { readonly file: string; readonly line: number; readonly definition: string };

/** Names that still mean two things. One that means a single thing again is taken off this list. */
const STILL_AMBIGUOUS: ReadonlySet<string> = new Set(['Column', 'Model', 'Point', 'Score']);

/** Algorithms stand side by side: each has a layout or a workspace of its own, and none sees another's. */
const hasNamesOfItsOwn = (file: string): boolean => /^src\/algorithms\/(?!port\/)[^/]+\//.test(file);

const exportedTypes = (root: string): ReadonlyMap<string, readonly ExportedType[]> => {
  const byName = new Map<string, ExportedType[]>();
  for (const file of filesUnder(root, 'src').filter((name) => name.endsWith('.ts') && !hasNamesOfItsOwn(name))) {
    const { program, text } = readSource(root, file);
    new Visitor({
      ExportNamedDeclaration: ({ declaration, start }) => {
        if (declaration?.type !== 'TSTypeAliasDeclaration' && declaration?.type !== 'TSInterfaceDeclaration') return;
        const source = text.slice(declaration.start, declaration.end).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
        const { name } = declaration.id;
        const type = { file, line: text.slice(0, start).split('\n').length, definition: source.replace(/\s+/g, ' ').replace(/; }/g, ' }') };
        byName.set(name, [...(byName.get(name) ?? []), type]);
      },
    }).visit(program);
  }
  return byName;
};

/** One line for each exported type of src/ whose name another file exports with another meaning. */
export const checkTypeNames = (root: string, allowed = STILL_AMBIGUOUS): string[] => {
  const ambiguous = [...exportedTypes(root)].filter(([, types]) => types.some(({ definition }) => definition !== types[0]!.definition));
  const settled = [...allowed].filter((name) => ambiguous.every(([other]) => other !== name));
  return [
    ...ambiguous
      .filter(([name]) => !allowed.has(name))
      .map(([name, [first, ...others]]) => {
        const places = others.map(({ file, line }) => `${file}:${line}`).join(', ');
        return `${first!.file}:${first!.line}: type ${name} means something else in ${places}; one name means one thing`;
      }),
    ...settled.map((name) => `scripts/tree/type-names.ts:1: type ${name} means one thing now; take it off the list`),
  ];
};
