// SPDX-License-Identifier: MIT
/** A recording shows what the page showed when it was made: served, and as one file of HTML. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { frameOf } from './cow.mjs';
import { equal, ok, Page, TOP, until, Watch } from './harness.mjs';

/** A moment of the living guest: the number of its picture, and a frame with what was known of it. */
async function agrees(browser, url, moment, where) {
  const page = await Page.open(browser, `${url}#picture=${moment.picture}`);
  await until(async () => (await page.root('data-picture')) === String(moment.picture), `picture ${moment.picture} is shown`);
  equal(await page.root('data-live'), 'false', `${where}: the page knows that it is a recording`);
  const { kind, refs, owners } = await frameOf(page, moment.frame);
  equal({ kind, refs, owners }, moment.known, `${where}: frame ${moment.frame} is as it was`);
  await page.by('history-back').click();
  await until(async () => Number(await page.root('data-picture')) < moment.picture, 'an earlier picture is shown');
  await page.by('history').evaluate((slider) => {
    slider.value = slider.max;
    slider.dispatchEvent(new Event('input'));
  });
  await until(async () => (await page.root('data-picture')) === (await page.root('data-guest-picture')), 'the last picture is shown');
  await page.by('nav-lessons').first().click();
  await until(() => page.by('lesson-run').isDisabled(), 'the lessons are drawn');
  ok(await page.by('lesson-enter').isDisabled(), `${where}: nothing can be run`);
  equal(page.wrong, [], `${where}: no errors, and nothing asked for elsewhere`);
  await page.close();
}

export async function replayed(browser, recording, moment) {
  const watch = await new Watch('--replay', recording).ready();
  await agrees(browser, watch.url, moment, 'replay');
  await watch.stop();
}

export async function exported(browser, recording, moment, file) {
  const made = spawnSync(join(TOP, 'gaur'), ['watch', '--replay', recording, '--export', file], { encoding: 'utf8' });
  equal(made.status, 0, 'a recording is exported', made.stderr);
  await agrees(browser, pathToFileURL(file).href, moment, 'export');
}
