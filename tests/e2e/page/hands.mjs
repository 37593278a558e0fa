// SPDX-License-Identifier: MIT
/** Without a mouse, and on a phone. */
import { equal, ok, Page, until } from './harness.mjs';

const MANY = 120; // more stops than the page has

/** Where the focus is: the nearest data-testid. */
async function focused(page) {
  return page.page.evaluate(() => document.activeElement?.closest('[data-testid]')?.dataset.testid ?? '');
}

/** The page's stops for Tab, in order, until it comes round or leaves the page. */
async function stops(page) {
  const found = [];
  for (let i = 0; i < MANY; i++) {
    await page.page.keyboard.press('Tab');
    const id = await focused(page);
    if (id && found.includes(id) && found[0] === id) break;
    found.push(id);
  }
  return found;
}

async function tabTo(page, id) {
  for (let i = 0; i < MANY && (await focused(page)) !== id; i++) await page.page.keyboard.press('Tab');
  return (await focused(page)) === id;
}

async function grid(page) {
  ok(await tabTo(page, 'frames-grid'), 'Tab leads to the grid of frames');
  const columns = await page.number('frames-grid', 'data-columns');
  await page.page.keyboard.press('ArrowRight');
  const first = await page.number('frame-readout', 'data-pfn');
  for (const [key, by] of [['ArrowRight', 1], ['ArrowDown', columns], ['ArrowLeft', -1], ['ArrowUp', -columns]]) {
    const before = await page.number('frame-readout', 'data-pfn');
    await page.page.keyboard.press(key);
    equal((await page.number('frame-readout', 'data-pfn')) - before, by, `${key} goes ${by} frames`);
  }
  await page.page.keyboard.press('Enter');
  equal(await page.number('frame-readout', 'data-pfn'), first, 'Enter chooses it');
}

async function tabs(page) {
  ok(await tabTo(page, 'nav-faults'), 'Tab leads to the tabs');
  await page.page.keyboard.press('ArrowRight');
  equal(await focused(page), 'nav-translate', 'an arrow key leads to the next tab');
  ok(await page.by('translate-input').isVisible(), 'which opens');
  ok(await tabTo(page, 'translate-input'), 'Tab leads into it');
  await page.page.keyboard.type('0x400000');
  await page.page.keyboard.press('Enter');
  await page.by('walk-region').waitFor();
  ok(true, 'an address is translated by keys alone');
}

export async function keyboardOnly(browser, url) {
  const page = await Page.open(browser, url);
  await page.by('kind-free').waitFor();
  await grid(page);
  await tabs(page);
  const all = await stops(page);
  for (const id of ['pause', 'step', 'theme', 'frame-jump', 'frames-grid', 'space-select', 'history']) ok(all.includes(id), `Tab leads to ${id}`, all.join(' '));
  equal(page.wrong, [], 'keyboard: no errors in the page');
  await page.close();
}

export async function phone(browser, url) {
  // Without motion: a tap that meets a page which still glides to the last one's target is lost on a busy machine.
  const page = await Page.open(browser, url, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2, reducedMotion: 'reduce' });
  await page.by('kind-free').waitFor();
  const widths = await page.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  ok(widths[0] <= widths[1], 'on a phone nothing is wider than the screen', widths);
  for (const name of ['frames', 'time', 'space']) {
    await page.by(`nav-${name}`).first().tap();
    await until(() => page.by(`panel-${name}`).evaluate((panel) => panel.getBoundingClientRect().top < innerHeight - 40), `${name} comes into sight`);
  }
  for (const name of ['faults', 'translate', 'processes', 'console', 'lessons']) {
    await page.by(`nav-${name}`).first().tap();
    ok(await page.by(`panel-${name}`).isVisible(), `a tap leads to ${name}`);
  }
  const box = await page.by('frames-grid').boundingBox();
  ok(box.width > 300 && box.width <= 390, 'the grid has the width of the phone', JSON.stringify(box));
  await page.by('nav-frames').first().tap();
  await page.by('frames-grid').tap({ position: { x: 20, y: 20 } });
  await until(async () => (await page.get('frame-readout', 'data-pfn')) !== null, 'a frame is chosen');
  ok(true, 'a tap chooses a frame');
  await page.picture('phone');
  equal(page.wrong, [], 'phone: no errors in the page');
  await page.close();
}
