export { collectReport, type Known } from './collect';
export { referredTo } from './listing';
export { renderPage } from './page';
export { type Report } from './report';
