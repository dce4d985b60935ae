import { escapeXml } from './escape.js';

/** Markup, as opposed to text: only `html` and `trusted` make it, so that text cannot get into a page unescaped. */
export type Html = { readonly markup: string };

type Part = Html | string | number | null | undefined | false | readonly Part[];

/** Markup that is known to be safe, such as a chart's SVG. */
export const trusted = (markup: string): Html => ({ markup });

/** A template whose values are escaped, unless they are markup themselves. Lists are joined; null, undefined and false are nothing. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  trusted(strings.map((text, index) => text + (index < parts.length ? markupOf(parts[index]) : '')).join(''));

const markupOf = (part: Part): string => {
  if (part === null || part === undefined || part === false) return '';
  if (typeof part === 'string' || typeof part === 'number') return escapeXml(String(part));
  return isList(part) ? part.map(markupOf).join('') : part.markup;
};

const isList = (part: Html | readonly Part[]): part is readonly Part[] => Array.isArray(part);
