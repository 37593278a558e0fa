// SPDX-License-Identifier: MIT
/** The viewer's page, in a browser: `tests/e2e/page.t`. */
import { countsAgree, cowFork, forkOfFork } from './cow.mjs';
import { keyboardOnly, phone } from './hands.mjs';
import { browse, Console, done, equal, ok, Page, scratch, Watch } from './harness.mjs';
import { exported, replayed } from './replay.mjs';
import { countersAgree, endsAndStays, pauseAndGo, stepByStep } from './step.mjs';

const browser = await browse();

/** The lessons beside a recording; then the recording. */
async function lessons() {
  const recording = scratch('recording');
  const watch = await new Watch('--timeout', '400', '--record', recording).ready();
  const page = await Page.open(browser, watch.url);
  const guest = new Console(page);
  await guest.prompt();
  await countsAgree(page, guest);
  await cowFork(page, guest);
  const moment = await forkOfFork(page, guest);
  equal(page.wrong, [], 'no errors in the page, and nothing asked for elsewhere');
  await guest.type('exit');
  await page.shows('run-state', 'data-value', 'ended');
  await page.close();
  equal(await watch.end(), 0, '`gaur watch` ends');
  await replayed(browser, recording, moment);
  await exported(browser, recording, moment, scratch('export.html'));
}

async function time() {
  const watch = await new Watch('--timeout', '400', '-c', '1').ready();
  const page = await Page.open(browser, watch.url);
  const guest = new Console(page);
  await guest.prompt();
  await countersAgree(page, guest);
  await stepByStep(page, guest);
  await pauseAndGo(page, guest);
  await keyboardOnly(browser, watch.url);
  await phone(browser, watch.url);
  equal(page.wrong, [], 'no errors in the page');
  await endsAndStays(page, guest, watch);
}

for (const part of [lessons, time]) {
  try {
    await part();
  } catch (error) {
    ok(false, `${part.name} went through`, error.stack ?? error);
  }
}
await browser.close();
done();
process.exit();
