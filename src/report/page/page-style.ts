import { PALETTE } from '../charts/chart.js';

/** The colours of every page, light and dark; `color-scheme` chooses. Text against the page is 7:1 or better, faint text 4.5:1. */
const colours = PALETTE.map(({ light, dark }, index) => `--chart-${index + 1}:light-dark(${light},${dark});`).join('');

export const PAGE_STYLE = `
:root{color-scheme:light dark;${colours}
--page:light-dark(#f6f7f9,#0d1117);--card:light-dark(#fff,#151b23);--text:light-dark(#1c2128,#e4e8ed);--faint:light-dark(#57606a,#9aa4b0);
--line:light-dark(#d8dde3,#2d353f);--accent:light-dark(#0067a8,#5ab4f0);--good:light-dark(#00694e,#2fc79e);--bad:light-dark(#b32400,#ff8a4c)}
:root:has(#theme-light:checked){color-scheme:light}
:root:has(#theme-dark:checked){color-scheme:dark}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',sans-serif}
.wrap{max-width:1180px;margin:0 auto;padding:0 20px}
header{background:var(--card);border-bottom:1px solid var(--line);padding:28px 0 16px}
header .wrap{display:grid;grid-template-columns:1fr auto;gap:4px 24px;align-items:start}
h1{font-size:1.7rem;line-height:1.2;margin:0;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:1.25rem;margin:0 0 4px;letter-spacing:-.005em}
h3{font-size:1rem;margin:28px 0 8px}
p{margin:0 0 12px;max-width:74ch}
.lead{color:var(--faint);margin:4px 0 0}
a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:3px}
nav{grid-column:1/-1;margin-top:14px;display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.92rem}
nav a{text-decoration:none;padding:2px 0}
nav a:hover{text-decoration:underline}
.theme{border:1px solid var(--line);border-radius:8px;padding:2px;margin:0;display:flex;font-size:.82rem}
.theme legend{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.theme input{position:absolute;opacity:0;width:1px;height:1px}
.theme label{padding:3px 10px;border-radius:6px;cursor:pointer;color:var(--faint)}
.theme label:has(:checked){background:var(--page);color:var(--text);font-weight:600}
.theme label:has(:focus-visible){outline:2px solid var(--accent);outline-offset:1px}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:22px 24px;margin:20px 0}
section>.lead{margin:0 0 16px;max-width:80ch}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:28px 32px;margin:20px 0}
figure{margin:20px 0;min-width:0}
.figures figure{margin:0}
figure svg{display:block;width:100%;height:auto;max-width:1080px}
.figures figure svg{max-width:620px}
figure .narrow{display:none}
figcaption{color:var(--faint);font-size:.88rem;margin-top:6px;max-width:74ch}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:12px;margin:16px 0;padding:0}
.tiles div{border:1px solid var(--line);border-radius:10px;padding:10px 14px;min-width:0}
.tiles dt{color:var(--faint);font-size:.82rem}
.tiles dd{margin:0;font-size:1.3rem;font-weight:600;font-variant-numeric:tabular-nums;overflow-wrap:anywhere;line-height:1.3}
.tiles dd small{display:block;font-size:.8rem;font-weight:400;color:var(--faint)}
.scroll{overflow-x:auto;margin:14px 0}
table{border-collapse:collapse;font-size:.92rem;min-width:min(100%,420px)}
caption{text-align:left;font-weight:600;padding:0 0 8px}
th,td{padding:6px 14px 6px 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
thead th{color:var(--faint);font-weight:600;font-size:.84rem;white-space:nowrap}
tbody th{font-weight:500}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.best{font-weight:700}
code,pre{font:.86em/1.5 ui-monospace,'Cascadia Mono','DejaVu Sans Mono',monospace}
pre{overflow-x:auto;background:var(--page);border:1px solid var(--line);border-radius:8px;padding:12px 14px;margin:12px 0}
details{margin:12px 0}
summary{cursor:pointer}
.downloads{display:flex;flex-wrap:wrap;gap:8px 14px;font-size:.9rem;margin:12px 0 0;padding:0;list-style:none}
.downloads a{border:1px solid var(--line);border-radius:8px;padding:4px 12px;text-decoration:none;display:inline-block}
.downloads a:hover{border-color:var(--accent)}
footer{color:var(--faint);font-size:.88rem;padding:8px 0 36px}
@media (max-width:640px){.wrap{padding:0 14px}section{padding:16px 14px;border-radius:10px}h1{font-size:1.35rem}
header .wrap{grid-template-columns:1fr}.theme{justify-self:start;margin-top:10px}
figure .wide:has(+.narrow){display:none}figure .narrow{display:block}.tiles{grid-template-columns:1fr 1fr}}
@media print{:root{color-scheme:light}.theme,nav{display:none}section{break-inside:avoid;border:0;padding:0}}
`;
