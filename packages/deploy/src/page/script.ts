/**
 * What the page does by itself: the other theme, the neighbours of a node of the drawing, and a program that a link leads
 * to is opened. Without it everything can still be read.
 */
export const script = `
const root = document.documentElement;
const button = document.querySelector('nav button');
const dark = () => root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
const label = () => { button.textContent = dark() ? 'Light' : 'Dark'; };
button.addEventListener('click', () => { root.dataset.theme = dark() ? 'light' : 'dark'; label(); });
label();
for (const graph of document.querySelectorAll('svg.graph')) {
  const focus = (node) => {
    graph.classList.toggle('focused', node !== null);
    for (const each of graph.querySelectorAll('.on')) each.classList.remove('on');
    if (node === null) return;
    node.classList.add('on');
    for (const path of graph.querySelectorAll('path')) {
      const ends = [path.dataset.from, path.dataset.to];
      if (!ends.includes(node.dataset.node)) continue;
      path.classList.add('on');
      for (const end of ends) graph.querySelector('[data-node="' + CSS.escape(end) + '"]').classList.add('on');
    }
  };
  for (const node of graph.querySelectorAll('.node')) {
    for (const event of ['pointerenter', 'focus']) node.addEventListener(event, () => focus(node));
    for (const event of ['pointerleave', 'blur']) node.addEventListener(event, () => focus(null));
  }
}
const open = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
};
addEventListener('hashchange', open);
open();
`;
