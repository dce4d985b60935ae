/** Plain text of a fixed width. */
export const WIDTH = 88;

export const clip = (text: string, width: number = WIDTH): string => (text.length <= width ? text : `${text.slice(0, width - 3)}...`);

/** Breaks after commas, semicolons and colons, so that a number stays with its name; a longer piece keeps its line to itself. */
export const wrap = (text: string, width: number = WIDTH): string[] => {
  const lines: string[] = [];
  let line = '';
  for (const piece of text.split(/(?<=[,;:]) /)) {
    if (line !== '' && line.length + 1 + piece.length > width) {
      lines.push(line);
      line = piece;
    } else line = line === '' ? piece : `${line} ${piece}`;
  }
  return [...lines, line];
};
