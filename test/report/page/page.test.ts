import { describe, expect, it } from 'vitest';
import { html } from '../../../src/report/page/html.js';
import { csv, downloads, figure, figures, renderPage, table, tiles } from '../../../src/report/page/page.js';

const chart = {
  title: 'Curve',
  x: { name: 'round' },
  y: { name: 'loss' },
  series: [{ kind: 'line', name: 's', points: [[1, 2]] }],
} as const;
const page = renderPage({
  title: 'Run <x> & "y"',
  lead: '<script>alert(1)</script>',
  sections: [
    { title: 'Costs', body: [tiles([{ name: 'bytes', value: '1 kB', note: '<b>' }]), figure(chart), figures([chart])] },
    {
      title: 'Costs',
      lead: html`see <em>${'<there>'}</em>`,
      body: [table({ caption: 'T', columns: [{ title: 'a' }, { title: 'b', numeric: true }], rows: [['<r>', 1]] })],
    },
  ],
});

describe('a page', () => {
  it('escapes every text, and no markup of its own', () => {
    expect(page).toContain('<h1>Run &lt;x&gt; &amp; &quot;y&quot;</h1>');
    for (const text of [
      '&lt;script&gt;',
      '<small>&lt;b&gt;</small>',
      '<em>&lt;there&gt;</em>',
      '<th scope="row">&lt;r&gt;</th>',
      '<td class="number">1</td>',
    ]) {
      expect(page).toContain(text);
    }
    expect(page).not.toMatch(/<script/);
  });

  it('needs nothing from outside: no address, no script, a policy that forbids them', () => {
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`);
    const addresses = [...page.matchAll(/(?:src|href|url\()=?["']?([^"'\s)>]+)/g)].map(([, address]) => address!);
    expect(addresses.filter((address) => !address.startsWith('#') && !address.startsWith('data:') && address !== "'none'")).toEqual([]);
    expect(page.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:/);
  });

  it('gives sections of one title ids of their own', () => {
    expect([...page.matchAll(/<section id="([^"]+)"/g)].map(([, id]) => id)).toEqual(['costs', 'costs-2']);
  });

  it('carries its data as files', () => {
    const text = csv(
      ['name', 'value'],
      [
        ['a "b", c', 1.5],
        ['n', Number.NaN],
        ['x', null],
      ],
    );
    expect(text).toBe('name,value\r\n"a ""b"", c",1.5\r\nn,\r\nx,\r\n');
    const [, type, data] = /download="r&amp;s\.csv" href="data:([^;]+);charset=utf-8;base64,([^"]+)"/.exec(
      downloads([{ file: 'r&s.csv', text }]).markup,
    )!;
    expect(type).toBe('text/csv');
    expect(Buffer.from(data!, 'base64').toString()).toBe(text);
  });
});
