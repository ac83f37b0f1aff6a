import { createHash } from 'node:crypto';
import { graphView } from './graph-view';
import { html, Html } from './html';
import { kernelsView } from './kernels-view';
import { mapsView } from './map-view';
import { planView } from './plan-view';
import { programsView } from './program-view';
import { type Report } from './report';
import { script } from './script';
import { style } from './style';

/**
 * A report as one HTML file that needs nothing else, and is allowed nothing else: no request, and no script but its own.
 * The same report gives the same bytes.
 *
 * @example
 * ```ts
 * renderPage(collectReport({ config, objects, kernels: [], loaded: undefined, plan: undefined })).startsWith('<!doctype html>'); // true
 * ```
 */
export function renderPage(report: Report): string {
  const { project, environment, kernels, plan } = report;
  const title = `${project}@${environment}`;
  const policy = [
    "default-src 'none'",
    // Widths of meters and cells are attributes; there is nothing that a style could fetch.
    "style-src 'unsafe-inline'",
    `script-src ${hash(script)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${new Html(`<style>${style}</style>`)}
      </head>
      <body>
        <nav aria-label="Parts of this page">
          <b>${title}</b
          ><a href="#overview">Overview</a>${kernels.length > 0 && html`<a href="#kernels">Kernels</a>`}<a
            href="#programs"
            >Programs</a
          ><a href="#maps">Maps</a>${plan !== undefined && html`<a href="#plan">Plan</a>`}
          <button type="button">Theme</button>
        </nav>
        <header>
          <h1>${title}</h1>
          <p class="dim break">Manifest revision <code>${report.revision.slice(0, 16)}</code></p>
        </header>
        <main>
          ${overview(report)} ${kernels.length > 0 && kernelsView(report)} ${programsView(report)}
          ${mapsView(report)} ${plan !== undefined && planView(plan)}
        </main>
        ${closing(report)} ${new Html(`<script>${script}</script>`)}
      </body>
    </html> `.text;
}

function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

function overview(report: Report): Html {
  const { programs, maps, kernels, loadedBy } = report;
  const passing = kernels.filter(({ success }) => success).length;
  const loads = programs.filter(({ load }) => load !== undefined && load.errors.length === 0).length;
  const tiles: [number | string, string][] = [
    [programs.length, 'programs'],
    [programs.reduce((sum, { insns }) => sum + insns, 0), 'instructions'],
    [maps.length, 'maps'],
    [programs.reduce((sum, { attach }) => sum + attach.length, 0), 'attachments'],
    ...(kernels.length === 0
      ? []
      : [[`${passing} of ${kernels.length}`, 'kernels it relocates for'] satisfies [string, string]]),
    ...(loadedBy === undefined
      ? []
      : [[`${loads} of ${programs.length}`, `load on ${loadedBy}`] satisfies [string, string]]),
  ];
  return html`<section id="overview">
    <div class="tiles">
      ${tiles.map(([figure, title]) => html`<div class="tile"><b>${figure}</b><span>${title}</span></div>`)}
    </div>
    ${graphView(report)}
    <h3>Objects</h3>
    <div class="card">
      <table>
        <tr>
          <th>Name</th>
          <th>File</th>
          <th>Size</th>
          <th>SHA-256</th>
        </tr>
        ${report.objects.map(
          ({ name, file, size, sha256 }) =>
            html`<tr>
              <td>${name}</td>
              <td class="mono break">${file}</td>
              <td class="number">${size.toLocaleString('en')}</td>
              <td class="mono break">${sha256}</td>
            </tr>`,
        )}
      </table>
    </div>
  </section>`;
}

/** What the page could also tell, and how it comes to. */
function closing({ loadedBy, plan, project, environment, kernels }: Report): Html {
  const missing = [
    ...(kernels.length === 0 ? ['Kernels: name some under kernels in the manifest.'] : []),
    ...(loadedBy === undefined
      ? [
          `The verifier's figures and log: nx-bpf report ${project} -e ${environment} --level kernel, with the privileges to load.`,
        ]
      : []),
    ...(plan === undefined ? [`A plan: nx-bpf plan ${project} -e ${environment}, before the report.`] : []),
  ];
  return html`<footer>
    ${missing.length > 0 && html`<p>Not in this report. ${missing.map((each) => html`${each} `)}</p>`}
    <p>Made by nx-bpf.</p>
  </footer>`;
}
