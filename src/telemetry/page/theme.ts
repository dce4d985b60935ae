import { byId } from './dom.js';

/** auto follows the system. The choice is kept for the next visit, if the browser allows it. */
export const startTheme = (onChange: () => void): void => {
  const box = byId('theme');
  const apply = (theme: string): void => {
    document.documentElement.dataset['theme'] = theme;
    onChange();
  };
  const kept = read();
  const radio = box.querySelector<HTMLInputElement>(`input[value="${kept}"]`);
  if (radio) radio.checked = true;
  apply(kept);
  box.addEventListener('change', (event) => {
    const { value } = event.target as HTMLInputElement;
    write(value);
    apply(value);
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', onChange);
};

const KEY = 'metafleet-theme';

const read = (): 'auto' | 'light' | 'dark' => {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'light' || kept === 'dark' ? kept : 'auto';
  } catch {
    return 'auto';
  }
};

const write = (theme: string): void => {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Storage is off: the choice lasts as long as the page.
  }
};

/** A colour of style.css as it is now, for canvases. */
export const colour = (name: string): string => {
  const probe = document.createElement('span');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
};
