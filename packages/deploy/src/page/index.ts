export { collectReport, type Known } from './collect';
export { renderPage } from './page';
export { type Report } from './report';
