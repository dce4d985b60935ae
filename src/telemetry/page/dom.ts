/** The element of index.html with this id. */
export const byId = <T extends HTMLElement = HTMLElement>(id: string): T => {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as T;
};

type Attributes = Readonly<Record<string, string>>;

/** Text goes in as text: no text of a run can become markup. */
export const element = (name: string, attributes: Attributes = {}, ...children: readonly (Node | string)[]): HTMLElement => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

/** An element that has this text already is not touched: so screen readers and selections are not disturbed. */
export const setText = (target: Element, text: string): void => {
  if (target.textContent !== text) target.textContent = text;
};
