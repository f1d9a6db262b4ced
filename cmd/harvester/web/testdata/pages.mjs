// Opens the pages in Chromium as a visitor would, at three widths and in both
// colour schemes, and prints a line for each thing that is wrong.
//
//   node pages.mjs MODULES CHROMIUM URL TOKEN PATH... [> problems]
//
// With SHOTS=DIR it leaves a picture of each page there.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const [modules, chromium, url, token, ...paths] = process.argv.slice(2);
const require = createRequire(modules + '/');
const playwright = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const browser = await playwright.chromium.launch({
  executablePath: chromium,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
for (const colorScheme of ['light', 'dark']) {
  for (const width of [360, 640, 1280]) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, javaScriptEnabled: true });
    const page = await context.newPage();
    let bytes = 0;
    page.on('request', (r) => { if (!r.url().startsWith(url)) console.log(`${colorScheme} ${width}: asks for ${r.url()}`); });
    page.on('response', async (r) => { bytes += (await r.body().catch(() => '')).length; });
    page.on('console', (m) => { if (m.type() === 'error' && !m.text().startsWith('Failed to load')) console.log(`${colorScheme} ${width}: ${m.text()}`); });
    const look = async (name) => {
      const say = (what) => console.log(`${name} ${colorScheme} ${width}: ${what}`);
      const seen = await page.evaluate(() => ({
        wide: document.documentElement.scrollWidth > innerWidth, scripts: document.scripts.length, text: document.body.innerText.length,
        handlers: [...document.querySelectorAll('*')].some((e) => [...e.attributes].some((a) => a.name.startsWith('on'))),
        background: getComputedStyle(document.body).backgroundColor,
      }));
      if (seen.wide) say('wider than the window');
      if (seen.scripts || seen.handlers) say('has a script');
      if (seen.text < 20) say('shows nothing');
      const dark = seen.background.match(/\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0) < 384;
      if (dark !== (colorScheme === 'dark')) say(`background ${seen.background}`);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }));
      for (const v of violations) {
        if (v.impact === 'serious' || v.impact === 'critical') say(`${v.id}: ${v.help}: ${v.nodes[0].html.slice(0, 200)}`);
      }
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name.replace(/\W+/g, '_')}-${colorScheme}-${width}.png`, fullPage: width < 1000 });
    };
    await page.goto(url + '/', { waitUntil: 'load' });
    await look('/login');
    await page.fill('#token', token);
    bytes = 0;
    await page.press('#token', 'Enter');
    await page.waitForSelector('#jobs');
    await page.waitForLoadState('networkidle');
    if (bytes > 50 * 1024) console.log(`/ ${colorScheme} ${width}: ${bytes} bytes`);
    await look('/');
    for (const path of paths) {
      await page.goto(url + path, { waitUntil: 'load' });
      await look(path);
    }
    // The first key press of a visitor without a mouse leads past the header.
    await page.goto(url + '/', { waitUntil: 'load' });
    await page.keyboard.press('Tab');
    const first = await page.evaluate(() => document.activeElement.textContent);
    if (first !== 'To the content') console.log(`${colorScheme} ${width}: Tab leads to ${first}`);
    await context.close();
  }
}
await browser.close();
