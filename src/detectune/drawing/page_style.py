"""The style sheet of `report.html` and of the page of an inspection, light and dark."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --paper: #fafaf8; --card: #fff; --ink: #23262d;
  --soft: #6c717c; --rule: #e4e4df; --c1: #3d63dd; --c2: #d9572b; --c3: #1a9a83; --c4: #a045b8;
  --c5: #b08900; --c6: #c2416b; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181d; --card: #1f2229; --ink: #e9eaee;
  --soft: #9aa0ad; --rule: #343843; --c1: #8aa8ff; --c2: #ff9a70; --c3: #4fd1b8; --c4: #d79bea;
  --c5: #e8c55c; --c6: #ff8fb0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -.01em; }
h2 { font-size: 19px; margin: 44px 0 14px; }
p.lead, .note { color: var(--soft); margin: 0; }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px;
  margin-top: 26px; }
.numbers div, figure, .tables > div, pre { background: var(--card); border: 1px solid var(--rule);
  border-radius: 10px; }
.numbers div { padding: 14px 16px; }
.numbers b { display: block; font-size: 26px; line-height: 1.25; font-weight: 650;
  font-variant-numeric: tabular-nums; }
.numbers span { color: var(--soft); font-size: 13.5px; }
.charts, .pairs { display: grid; gap: 16px;
  grid-template-columns: repeat(auto-fit, minmax(min(430px, 100%), 1fr)); }
h1.path { font-size: 22px; overflow-wrap: anywhere; }
.samples { display: flex; flex-wrap: wrap; gap: 12px; margin-top: 12px; align-items: flex-start; }
.samples figure { padding: 6px; max-width: 100%; }
.samples img { display: block; max-width: 100%; height: auto; border-radius: 6px; }
.samples figcaption { margin: 6px 0 0; font-weight: 400; font-size: 13px; max-width: 320px; }
.tables.one { grid-template-columns: minmax(0, 1fr); }
.charts + .tables { margin-top: 16px; }
.wide { overflow-x: auto; }
.confusion { width: auto; }
.confusion td, .confusion th { padding: 5px 7px; }
.confusion td { min-width: 34px; }
.confusion th span { display: inline-block; max-width: 11em; overflow: hidden;
  text-overflow: ellipsis; white-space: nowrap; vertical-align: bottom; }
.confusion tr:first-child th { vertical-align: bottom; text-align: right; }
.confusion tr:first-child th span { writing-mode: vertical-rl; transform: rotate(180deg);
  max-height: 9em; max-width: none; }
code { font: .93em ui-monospace, Menlo, Consolas, monospace; }
.numbers + .note, .note + .charts { margin-top: 14px; }
figure { margin: 0; min-width: 0; padding: 14px 16px 8px; }
figcaption { overflow-wrap: anywhere; font-weight: 600; font-size: 14.5px; display: flex;
  flex-wrap: wrap;
  justify-content: space-between; gap: 4px 16px; margin-bottom: 8px; }
.legend { font-weight: 400; font-size: 13px; color: var(--soft); display: flex;
  flex-wrap: wrap; gap: 2px 14px; }
.key i { display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin-right: 6px;
  vertical-align: middle; background: currentColor; }
svg { display: block; width: 100%; height: auto; }
.grid { stroke: var(--rule); stroke-width: 1; }
.axis { fill: var(--soft); font-size: 12px; }
.end { text-anchor: end; }
.middle { text-anchor: middle; }
.line { fill: none; stroke: currentColor; stroke-width: 2.2; stroke-linejoin: round; }
.mark { fill: currentColor; }
.c1 { color: var(--c1); } .c2 { color: var(--c2); } .c3 { color: var(--c3); }
.c4 { color: var(--c4); } .c5 { color: var(--c5); } .c6 { color: var(--c6); }
.tables { display: grid; gap: 16px; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(380px, 100%), 1fr)); }
.tables > div { padding: 6px 16px 12px; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14.5px; }
th { text-align: left; color: var(--soft); font-weight: 500; font-size: 13px; }
th, td { padding: 7px 4px; border-bottom: 1px solid var(--rule); }
tr:last-child td { border-bottom: 0; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 8px; }
.pair svg { border-radius: 6px; }
@media (max-width: 560px) { main { padding: 24px 14px 48px; } .axis { font-size: 19px; }
  .confusion th span { max-width: 7em; } }
.pair span { font-size: 12.5px; color: var(--soft); }
.box { fill: none; vector-effect: non-scaling-stroke; stroke-width: 2.5; }
.halo { fill: none; vector-effect: non-scaling-stroke; stroke: #000; stroke-opacity: .45;
  stroke-width: 4.5; }
pre { padding: 12px 16px; overflow-x: auto; font: 13.5px/1.55 ui-monospace, Menlo, Consolas,
  monospace; margin: 0 0 12px; }
ul { margin: 0; padding-left: 20px; }
"""
