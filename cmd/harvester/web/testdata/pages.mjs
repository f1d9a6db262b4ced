// Opens the pages in Chromium as a visitor would, at three widths and in both
// colour schemes, goes the ways that an operator goes, acts with the keyboard
// alone, and prints a line for each thing that is wrong.
//
//   node pages.mjs MODULES CHROMIUM URL TOKEN ADDRESS RECEIVER INCIDENT PATH... [> problems]
//
// With SHOTS=DIR it leaves a picture of each page there.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const [modules, chromium, url, token, address, receiver, incident, ...paths] = process.argv.slice(2);
const require = createRequire(modules + '/');
const playwright = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const mostBytes = 60 * 1024;
const patience = 20_000;

const browser = await playwright.chromium.launch({
  executablePath: chromium,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

// visit is a visitor, who tells of every request elsewhere and of every error.
async function visit(options, who) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  page.on('request', (r) => { if (!r.url().startsWith(url)) console.log(`${who}: asks for ${r.url()}`); });
  page.on('console', (m) => { if (m.type() === 'error' && !m.text().startsWith('Failed to load')) console.log(`${who}: ${m.text()}`); });
  return { context, page };
}

// look says what is wrong with a page as it stands.
async function look(page, who, dark, thorough) {
  const say = (what) => console.log(`${who}: ${what}`);
  const seen = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth > innerWidth, scripts: document.scripts.length, text: document.body.innerText,
    handlers: [...document.querySelectorAll('*')].some((e) => [...e.attributes].some((a) => a.name.startsWith('on'))),
    background: getComputedStyle(document.body).backgroundColor,
    // A word that a column is too narrow for is cut, or breaks in its middle.
    broken: [...document.querySelectorAll('button, thead th, nav a, h1, h2')].filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline').map((e) => e.textContent.trim().slice(0, 40)),
  }));
  if (seen.wide) say('wider than the window');
  if (seen.scripts || seen.handlers) say('has a script');
  if (seen.text.length < 20) say('shows nothing');
  if (/undefined|NaN|<nil>|%!|\b1 (addresses|failures|receivers|verdicts|days|jobs|mails)\b/.test(seen.text)) say(`says ${seen.text.match(/.{0,30}(undefined|NaN|<nil>|%!|\b1 (addresses|failures|receivers|verdicts|days|jobs|mails)\b).{0,20}/)[0]}`);
  if (seen.broken.length) say(`too narrow for ${seen.broken}`);
  const rgb = seen.background.match(/\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0);
  if ((rgb < 384) !== dark) say(`background ${seen.background}`);
  if (!thorough) return;
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }));
  for (const v of violations) say(`${v.id}: ${v.help}: ${v.nodes[0].html.slice(0, 200)}`);
}

async function signIn(page) {
  await page.goto(url + '/', { waitUntil: 'load' });
  await page.fill('#token', token);
  await page.press('#token', 'Enter');
  await page.waitForSelector('.figures');
}

{
  const { context, page } = await visit({ viewport: { width: 1280, height: 800 } }, 'visitor');
  let turn = 0;
  // Each page is loaded once and looked at in every width and scheme. axe takes
  // its time: pages take turns between narrow and light, and wide and dark.
  const at = async (path, both) => {
    turn++;
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      for (const width of [360, 640, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        const axes = width === (colorScheme === 'light' ? 360 : 1280) && (both || (turn % 2 === 0) === (colorScheme === 'light'));
        await look(page, `${path} ${colorScheme} ${width}`, colorScheme === 'dark', axes);
        if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${path.replace(/\W+/g, '_')}-${colorScheme}-${width}.png`, fullPage: width < 1000 });
      }
    }
  };
  let bytes = 0;
  page.on('response', async (r) => { bytes += (await r.body().catch(() => '')).length; });
  await page.goto(url + '/', { waitUntil: 'load' });
  await at('/login');
  bytes = 0;
  await signIn(page);
  await page.waitForLoadState('networkidle');
  if (bytes > mostBytes) console.log(`/: ${bytes} bytes`);
  // One screen answers whether to act; the mending begins in it.
  const mend = await page.evaluate(() => document.getElementById('incidents').getBoundingClientRect().bottom);
  if (mend > 800 - 60) console.log(`/: what to mend begins at ${mend}`);
  // The first key press of a visitor without a mouse leads past the header.
  await page.keyboard.press('Tab');
  const first = await page.evaluate(() => document.activeElement.textContent);
  if (first !== 'To the content') console.log(`Tab leads to ${first}`);
  await at('/', true);
  for (const path of paths) {
    await page.goto(url + path, { waitUntil: 'load' });
    await at(path);
  }
  await context.close();
}

// The ways of an operator, without script in the browser and with text of twice
// the size: script is what a strict browser has not got.
{
  const { context, page } = await visit({ viewport: { width: 1280, height: 800 }, javaScriptEnabled: false }, 'tour');
  await signIn(page);
  let clicks = 0;
  const click = async (selector) => { clicks++; await page.click(selector); await page.waitForLoadState('load'); };
  const here = async (what, text) => {
    const body = await page.textContent('main');
    if (!body.includes(text)) console.log(`tour: ${what}: ${page.url()} does not say ${text}`);
  };
  // "It refuses more than usual": to the one notice behind it, and back.
  await click(`.heat a[href="/receiver?name=${encodeURIComponent(receiver)}"]`);
  await here('receiver', 'The latest notices');
  await click('.events .when a');
  await here('notice', 'Weight');
  await click(`a[href^="/receiver?name="]`);
  await here('back at the receiver', 'The latest notices');
  await click('.crumbs a[href="/"]');
  await here('back at the overview', 'To mend on our side');
  if (clicks > 4) console.log(`tour: ${clicks} clicks to a notice and back`);
  // From an address to why; the address stands in no URL.
  await page.fill('#q', address);
  await page.press('#q', 'Enter');
  await page.waitForLoadState('load');
  await here('address', 'What would change it');
  if (decodeURIComponent(page.url()).includes('@')) console.log(`tour: ${page.url()} holds an address`);
  // A part of one leads to the list.
  await page.fill('#q', address.split('@')[0].slice(0, 6));
  await page.press('#q', 'Enter');
  await page.waitForLoadState('load');
  await here('list', address);
  // From an incident to every address that it cost.
  await page.goto(url + '/');
  clicks = 0;
  await click('#incidents >> xpath=ancestor::section >> a[href^="/incident?id="]');
  await here('incident', 'What mends it');
  const want = +(await page.textContent('#addresses')).match(/\d+/)[0];
  let have = await page.locator('section[aria-labelledby=addresses] tbody tr').count();
  while (await page.locator('.more a').count()) {
    await click('.more a');
    have += await page.locator('section[aria-labelledby=addresses] tbody tr').count();
  }
  if (have !== want) console.log(`tour: ${have} addresses of ${want}`);
  // From the report of a day back to the page.
  await page.goto(url + '/reports');
  await page.click('tbody a');
  await page.waitForLoadState('load');
  if (!/failures|nothing|day/i.test(await page.textContent('body'))) console.log('tour: the report says nothing');
  await page.click('a[href="/"]');
  await page.waitForSelector('.figures');
  await context.close();
}

// Every act, with the keyboard alone: Tab to the field, the reason, Tab to the
// button, Enter.
{
  const { context, page } = await visit({ viewport: { width: 1280, height: 800 } }, 'keyboard');
  await signIn(page);
  const act = async (path, open, name, done) => {
    await page.goto(url + path, { waitUntil: 'load' });
    const button = page.locator(`button[name=act][value="${name}"]`).first();
    if (open) { // dangerous acts are folded away
      await tab(page, (e) => e.tagName === 'SUMMARY' && e.parentElement.className === 'danger', `${name}: its fold`);
      await page.keyboard.press('Enter');
    }
    const id = await button.evaluate((b) => b.form.querySelector('[name=reason]').id);
    await tab(page, (e, id) => e.id === id, `${name}: its reason`, id);
    await page.keyboard.type('looked at by keyboard');
    await tab(page, (e, name) => e.value === name, `${name}: its button`, name);
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    const said = await page.textContent('[role=status]').catch(() => '');
    if (!said.includes(done)) console.log(`keyboard: after ${name}: ${page.url()} says "${said}"`);
  };
  const tab = async (page, there, what, arg) => {
    for (let i = 0; i < 200; i++) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(([f, arg]) => eval(f)(document.activeElement, arg), [`(${there})`, arg])) return;
    }
    throw new Error(`Tab does not lead to ${what}`);
  };
  await act(`/incident?id=${encodeURIComponent(incident)}`, false, 'ack', 'acknowledged');
  const who = `/address?q=${encodeURIComponent(address)}`;
  await act(who, false, 'remove', 'lifted');
  await act(who, true, 'allow', 'allowed');
  await act(who, true, 'add', 'suppressed');
  if (await page.goto(url + '/') && await page.locator('button[value="hold-drop"]').count()) await act('/', false, 'hold-drop', 'dropped');
  await context.close();
}

// Text of twice the size, and a browser that keeps no cookie.
{
  const { context, page } = await visit({ viewport: { width: 640, height: 800 } }, 'large text');
  await signIn(page);
  for (const path of ['/', '/list', `/incident?id=${encodeURIComponent(incident)}`]) {
    await page.goto(url + path, { waitUntil: 'load' });
    await page.evaluate(() => { document.body.style.fontSize = '200%'; document.documentElement.style.fontSize = '200%'; }).catch(() => {});
    if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) console.log(`${path} with large text: wider than the window`);
  }
  await context.clearCookies();
  await page.goto(url + '/?in=1'); // where a right token leads
  if (!(await page.textContent('main')).includes('keeps no cookie')) console.log(`without cookies: ${page.url()} says ${await page.textContent('main')}`);
  await context.close();
}
await browser.close();
