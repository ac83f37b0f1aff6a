import { expect, test } from 'vitest';
import { terminalPicture } from './terminal';

test('lines, colours and weights; what is taken back, and what lasts over the end of a line', () => {
  const picture = terminalPicture(
    'a \u001b[31mred\u001b[39m <b>\n\u001b[32m\u001b[1mgreen\u001b[22m\n on\u001b[39m \u001b[2mdim\u001b[22m\n\n',
    'a "title"',
  );
  expect(picture.match(/<text .*<\/text>/g)).toEqual([
    '<text x="16" y="30" textLength="15.6" fill="#d6d8de">a\u00a0</text>',
    '<text x="31.6" y="30" textLength="23.4" fill="#f2777a">red</text>',
    '<text x="55" y="30" textLength="31.2" fill="#d6d8de">\u00a0&lt;b&gt;</text>',
    '<text x="16" y="49" textLength="39" fill="#99cc99" font-weight="bold">green</text>',
    '<text x="16" y="68" textLength="23.4" fill="#99cc99">\u00a0on</text>',
    '<text x="47.2" y="68" textLength="23.4" fill="#858b98">dim</text>',
  ]);
  expect(picture).toContain('<title>a &quot;title&quot;</title>');
  expect(picture).toContain('height="89"');
  expect(terminalPicture('x', 't')).toBe(terminalPicture('x\n', 't'));
});

test('a line that is too long goes on in the next', () => {
  const texts = (columns: number) =>
    terminalPicture('ab\u001b[31mcdef\u001b[39m\ng', 't', columns).match(/(?<=">)[a-g]+(?=<)/g);
  expect(texts(3)).toEqual(['ab', 'c', 'def', 'g']);
  expect(texts(4)).toEqual(['ab', 'cd', 'ef', 'g']);
});
