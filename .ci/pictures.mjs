// Takes the pictures of .ci/pictures.
//
//   node pictures.mjs MODULES CHROMIUM URL TOKEN FOLDER
import { createRequire } from 'node:module';

const [modules, executablePath, url, token, folder] = process.argv.slice(2);
const playwright = createRequire(modules + '/')('playwright-core');
const browser = await playwright.chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
for (let tries = 0; ; tries++) { // until the service answers
  const ready = await page.goto(url + '/readyz').catch(() => undefined);
  if (ready?.ok()) break;
  if (tries > 240) throw new Error('the service does not become ready');
  await new Promise((wake) => setTimeout(wake, 250));
}
await page.goto(url + '/login');
await page.fill('#token', token);
await page.press('#token', 'Enter');
await page.waitForSelector('.figures');
// It answers in one screen, and in some two of a telephone.
const fits = async (width, height) => {
  await page.setViewportSize({ width, height });
  const needs = await page.evaluate(() => document.documentElement.scrollHeight);
  if (needs > height) throw new Error(`the overview is ${needs} pixels high at a width of ${width}, not ${height}`);
};
await fits(390, 1860);
await fits(1280, 800);
await page.screenshot({ path: `${folder}/overview.png` });
await page.emulateMedia({ colorScheme: 'dark' });
await page.screenshot({ path: `${folder}/overview-dark.png` });
await page.emulateMedia({ colorScheme: 'light' });
await page.setViewportSize({ width: 760, height: 900 });
await page.goto(url + '/reports');
await page.click('tbody a');
await page.waitForSelector('h1');
await page.screenshot({ path: `${folder}/report.png` });
await browser.close();
