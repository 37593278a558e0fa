// SPDX-License-Identifier: MIT
/** Makes the pictures of docs/pictures again: `node tests/e2e/page/pictures.mjs [FOLDER]`. Make them smaller then, with pngquant. */
import { join } from 'node:path';
import { address, goOn, runLesson } from './cow.mjs';
import { browse, Console, Page, TOP, until, Watch } from './harness.mjs';

const folder = process.argv[2] ?? join(TOP, 'docs', 'pictures');
const browser = await browse();

async function start() {
  const watch = await new Watch('--timeout', '400').ready();
  const page = await Page.open(browser, watch.url, { viewport: { width: 1280, height: 760 } });
  const guest = new Console(page);
  await guest.prompt();
  return { page, guest, watch };
}

async function save(page, name) {
  await page.page.mouse.move(0, 0);
  await page.page.screenshot({ path: join(folder, name) });
}

/** Children that each have written to one page; all wait. */
async function storm() {
  const { page, guest, watch } = await start();
  await runLesson(page, guest, '09_constant_fork');
  for (let step = 1; step <= 4; step++) await goOn(guest);
  await page.by('nav-processes').first().click();
  await until(async () => (await page.by('process').count()) > 60, 'the children are listed');
  await page.by('process').nth(3).click();
  await until(async () => (await page.by('shares-with').count()) > 3, 'what is shared is told');
  await save(page, 'fork-storm.png');
  await page.close();
  await watch.stop();
}

/** The parent writes to a page that the child has as well, and is held at the fault. */
async function fault() {
  const { page, guest, watch } = await start();
  await runLesson(page, guest, '04_cow_fork');
  for (let step = 1; step <= 4; step++) await goOn(guest);
  await page.by('step').click(); // the next fault may pass, that of page 3; at the one after it the guest is held
  await goOn(guest);
  await guest.type('');
  await until(async () => (await page.text('run-reason')).includes(address(4)), 'the parent is held at its fault');
  await page.by('nav-faults').first().click();
  await until(async () => (await page.by('page-why').locator('li[data-why=cow]').count()) > 0, 'the page is explained');
  await save(page, 'cow-fault.png');
  await page.close();
  await watch.stop();
}

await storm();
await fault();
await browser.close();
process.exit();
