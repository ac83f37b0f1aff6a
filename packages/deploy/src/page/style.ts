/** The page's look: system fonts, light and dark, one column on a phone. Nothing is fetched. */
export const style = `
:root { color-scheme: light; --bg: #fbfbfa; --card: #ffffff; --text: #1c2024; --dim: #60646c; --line: #e2e4e8;
  --accent: #2f5fd0; --good: #1a7f37; --bad: #c4262e; --warn: #946200; --good-bg: #e6f4ea; --bad-bg: #fdeaea;
  --warn-bg: #fcf3dc; --code: #f4f5f7; --hook: #e8eefc; --program: #e9f6ec; --map: #fbf0e2; --edge: #aab1bd;
  --b0: #cfe0fc; --b1: #d3efd9; --b2: #fbe2c2; --b3: #e6d9f7; --b4: #f9d6dc; --b5: #cdeef0; --b6: #eae6c0; --pad: #eceef1; }
:root[data-theme='dark'] { color-scheme: dark; --bg: #131517; --card: #1b1e21; --text: #e8eaed; --dim: #9aa1ab;
  --line: #2d3238; --accent: #8ab0ff; --good: #5dd07d; --bad: #ff8389; --warn: #e7b955; --good-bg: #16301f;
  --bad-bg: #3a1a1d; --warn-bg: #34290f; --code: #22262a; --hook: #1f2c49; --program: #1c3626; --map: #3a2c17;
  --edge: #596270; --b0: #29457a; --b1: #23532f; --b2: #6b4715; --b3: #4b3570; --b4: #6d2c38; --b5: #1d5256;
  --b6: #545020; --pad: #2a2e33; }
@media (prefers-color-scheme: dark) { :root:not([data-theme='light']) { color-scheme: dark; --bg: #131517;
  --card: #1b1e21; --text: #e8eaed; --dim: #9aa1ab; --line: #2d3238; --accent: #8ab0ff; --good: #5dd07d;
  --bad: #ff8389; --warn: #e7b955; --good-bg: #16301f; --bad-bg: #3a1a1d; --warn-bg: #34290f; --code: #22262a;
  --hook: #1f2c49; --program: #1c3626; --map: #3a2c17; --edge: #596270; --b0: #29457a; --b1: #23532f;
  --b2: #6b4715; --b3: #4b3570; --b4: #6d2c38; --b5: #1d5256; --b6: #545020; --pad: #2a2e33; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 3.5rem; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--bg); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
code, pre, .mono, .listing, td.mono { font-family: ui-monospace, 'SF Mono', 'DejaVu Sans Mono', monospace; font-size: 0.86em; }
a { color: var(--accent); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
nav { position: sticky; top: 0; z-index: 2; display: flex; gap: 0.3rem 1.1rem; align-items: center; padding: 0.55rem 1.2rem;
  background: var(--card); border-bottom: 1px solid var(--line); overflow-x: auto; white-space: nowrap; }
nav b { margin-right: 0.4rem; }
nav button { position: sticky; right: 0; margin-left: auto; flex: none; font: inherit; font-size: 0.85rem; color: var(--dim); background: var(--card);
  border: 1px solid var(--line); border-radius: 6px; padding: 0.15rem 0.6rem; cursor: pointer; }
main, header, footer { max-width: 76rem; margin: 0 auto; padding: 0 1.2rem; }
header { padding-top: 1.6rem; }
h1 { font-size: 1.65rem; line-height: 1.25; margin: 0 0 0.2rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 0.8rem; }
h3 { font-size: 0.95rem; margin: 1.3rem 0 0.5rem; }
.dim { color: var(--dim); }
.break { overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 0.7rem; margin: 1.2rem 0; }
.tile, .card, details.item { background: var(--card); border: 1px solid var(--line); border-radius: 9px; }
.tile { padding: 0.7rem 0.9rem; }
.tile b { display: block; font-size: 1.45rem; font-variant-numeric: tabular-nums; line-height: 1.3; }
.tile span { color: var(--dim); font-size: 0.85rem; }
.card { padding: 0.9rem; overflow-x: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
th, td { text-align: left; padding: 0.35rem 0.9rem 0.35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child > td { border-bottom: 0; }
th { color: var(--dim); font-weight: 500; font-size: 0.82rem; white-space: nowrap; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.badge { display: inline-block; padding: 0.02rem 0.5rem; border-radius: 99px; font-size: 0.8rem; white-space: nowrap;
  background: var(--code); color: var(--dim); }
.good { background: var(--good-bg); color: var(--good); }
.bad { background: var(--bad-bg); color: var(--bad); }
.warn { background: var(--warn-bg); color: var(--warn); }
.message { border-left: 3px solid var(--bad); background: var(--bad-bg); padding: 0.5rem 0.8rem; margin: 0.6rem 0;
  border-radius: 0 6px 6px 0; white-space: pre-wrap; overflow-wrap: anywhere; }
details.item { margin: 0.6rem 0; }
details.item > summary { display: flex; flex-wrap: wrap; gap: 0.3rem 0.7rem; align-items: baseline; padding: 0.65rem 0.9rem; cursor: pointer;
  list-style: none; }
details.item > summary::-webkit-details-marker { display: none; }
details.item > summary::before { content: '▸'; color: var(--dim); width: 0.8em; }
details.item[open] > summary::before { content: '▾'; }
details.item > summary b { font-size: 1.02rem; overflow-wrap: anywhere; }
details.item > summary .right { margin-left: auto; }
.body { padding: 0 0.9rem 0.9rem; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1rem; margin: 0.3rem 0; font-size: 0.92rem; }
.facts dt { color: var(--dim); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.meter { display: inline-block; width: 7rem; height: 0.5rem; border-radius: 99px; background: var(--code); overflow: hidden; vertical-align: middle; margin-right: 0.5rem; }
.meter i { display: block; height: 100%; background: var(--good); }
.meter i.over { background: var(--bad); }
.toggle { display: inline-flex; gap: 0.4rem; align-items: center; font-size: 0.88rem; color: var(--dim); cursor: pointer; margin: 0.3rem 0; }
.listing { border: 1px solid var(--line); border-radius: 7px; overflow: hidden; }
.line { display: grid; grid-template-columns: 3.2rem minmax(0, 1fr) minmax(0, 1.15fr); border-top: 1px solid var(--line); }
.line:first-child { border-top: 0; }
.line > * { padding: 0.14rem 0.6rem; min-width: 0; }
.line .at { color: var(--dim); text-align: right; user-select: none; }
.line .c { white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; }
.line .i { background: var(--code); overflow-wrap: anywhere; }
.line.refused .c { background: var(--bad-bg); }
.insn { display: flex; gap: 0.6rem; }
.insn .n { color: var(--dim); flex: 0 0 2.6rem; text-align: right; user-select: none; }
.insn .v { margin-left: auto; color: var(--dim); white-space: nowrap; }
.core { color: var(--accent); padding-left: 3.2rem; }
.said { color: var(--bad); padding-left: 3.2rem; white-space: pre-wrap; }
.state { display: none; color: var(--dim); padding-left: 3.2rem; white-space: pre-wrap; }
.program:has(.states:checked) .state { display: block; }
.bytes { margin: 0.3rem 0 0.6rem; max-width: 44rem; }
.bytes .row { display: grid; grid-template-columns: 2.8rem repeat(8, minmax(0, 1fr)); gap: 2px; margin-bottom: 2px; font-size: 0.78rem; }
.bytes .row .off { color: var(--dim); text-align: right; padding: 0.15rem 0.5rem 0 0; }
.bytes .cell { border-radius: 3px; padding: 0.14rem 0.35rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-height: 1.55rem; }
.bytes .pad { background: repeating-linear-gradient(45deg, var(--pad) 0 4px, transparent 4px 8px); color: var(--dim); }
.bytes .skip { color: var(--dim); padding: 0 0 2px 2.9rem; font-size: 0.78rem; }
.b0 { background: var(--b0); } .b1 { background: var(--b1); } .b2 { background: var(--b2); } .b3 { background: var(--b3); }
.b4 { background: var(--b4); } .b5 { background: var(--b5); } .b6 { background: var(--b6); }
svg.graph { display: block; min-width: 46rem; width: 100%; height: auto; font: 12.5px system-ui, sans-serif; }
svg.graph text { fill: var(--text); }
svg.graph .kind { fill: var(--dim); font-size: 11px; }
svg.graph .head { fill: var(--dim); font-size: 12px; }
svg.graph rect { stroke: var(--line); }
svg.graph .hook rect { fill: var(--hook); } svg.graph .program rect { fill: var(--program); } svg.graph .map rect { fill: var(--map); }
svg.graph path { fill: none; stroke: var(--edge); stroke-width: 1.4; }
svg.graph.focused .node, svg.graph.focused path { opacity: 0.18; }
svg.graph.focused .node.on { opacity: 1; }
svg.graph.focused path.on { opacity: 1; stroke: var(--accent); stroke-width: 2; }
footer { margin-top: 3rem; padding-bottom: 2rem; color: var(--dim); font-size: 0.87rem; }
@media (max-width: 44rem) {
  body { font-size: 14.5px; }
  main, header, footer { padding-left: 0.8rem; padding-right: 0.8rem; }
  nav { padding: 0.5rem 0.8rem; }
  .line { grid-template-columns: 2.6rem minmax(0, 1fr); }
  .line .i { grid-column: 1 / -1; }
  .facts { grid-template-columns: 1fr; } .facts dt { margin-top: 0.3rem; }
  .bytes .row { grid-template-columns: 2rem repeat(8, minmax(0, 1fr)); }
  .bytes .cell { padding: 0.14rem 0.15rem; }
}
@media print { nav { position: static; } nav button { display: none; } }
`;
