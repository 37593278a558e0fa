// SPDX-License-Identifier: MIT
/**
 * The lessons on copy-on-write, run from the page: frames, walks, entries, faults and counts that it shows are those that the guest knows.
 * What the guest knows is what the lesson's program prints: from /proc/self/pagemap, /proc/kpagecount, /proc/self/gaur/fault.
 */
import { equal, ok, until } from './harness.mjs';

const WRITABLE = 2; // of a page-table entry
const PAGE = 4096;
const ARENA = 0x8080600000;
const KINDS_AT_REST = ['reserved', 'image', 'node', 'vpi', 'anonymous', 'huge', 'file', 'zero', 'swap'];

export function address(page) {
  return '0x' + (ARENA + page * PAGE).toString(16);
}

/** All "page 0x...: frame N, references N" of a text, by who said it and the number of the page. */
function pagesTold(text) {
  const told = {};
  for (const [, who, at, frame, references] of text.matchAll(/^ *(\w*)[ |]*page 0x([0-9a-f]+): frame (\d+), references (\d+)/gm))
    told[`${who} ${(parseInt(at, 16) - ARENA) / PAGE}`] = { frame: Number(frame), references: Number(references) };
  return told;
}

/** "fault at 0x...: code 7, P=1 W=1 U=1, cow_write, resolved." */
function faultTold(text) {
  const match = /fault at (0x[0-9a-f]+): code (\d+), .*?, (\w+), (\w+)\./.exec(text);
  return match && { address: match[1], err: match[2], cause: match[3], outcome: match[4] };
}

export async function chooseLesson(page, name) {
  await page.by('nav-lessons').first().click();
  await page.page.locator(`[data-testid=lesson][data-name="${name}"]`).click();
}

/** Runs a lesson from its tab; returns what its program says first. */
export async function runLesson(page, guest, name) {
  await chooseLesson(page, name);
  ok((await page.text('lesson-text')).includes('Guess first'), `the text of ${name} is shown`);
  await page.by('lesson-run').click();
  return guest.read(/\[Enter\] /);
}

/** Enter, and what the program says up to its next question. */
export async function goOn(guest) {
  await guest.type('');
  return guest.read(/\[Enter\] /);
}

async function lastStep(guest) {
  const last = await goOn(guest);
  ok(last.includes('All of it was so'), "the lesson's own claims hold", last);
  await guest.type('');
  await guest.prompt();
}

async function chooseProcess(page, pid) {
  await until(async () => (await page.by('space-select').locator('option').evaluateAll((all) => all.map((option) => option.value))).includes(String(pid)), `process ${pid} is listed`);
  await page.by('space-select').selectOption(String(pid));
}

/** The walk of an address: for each level index, frame and bits. */
export async function walkOf(page, pid, at) {
  await chooseProcess(page, pid);
  await page.by('nav-translate').first().click();
  await page.by('translate-input').fill(at);
  await page.by('translate-input').press('Enter');
  const steps = {};
  for (const level of [4, 3, 2, 1]) {
    const step = page.by(`walk-level-${level}`);
    steps[level] = { index: Number(await step.getAttribute('data-index')), pfn: Number(await step.getAttribute('data-pfn')), bits: Number(await step.getAttribute('data-bits')), text: await step.textContent() };
  }
  return steps;
}

/** The frame as the grid's readout tells it. */
export async function frameOf(page, pfn) {
  await page.by('frame-jump').fill(String(pfn));
  await page.by('frame-jump').press('Enter');
  await page.shows('frame-readout', 'data-pfn', pfn);
  const owners = await page.by('frame-owners').locator('li[data-va]').evaluateAll((all) => all.map((item) => item.dataset.va));
  return { kind: await page.get('frame-readout', 'data-kind'), refs: await page.number('frame-readout', 'data-refs'), owners };
}

/** The colour in the middle of a frame's cell. */
async function colourOf(page, pfn) {
  return page.by('frames-grid').evaluate((canvas, pfn) => {
    const columns = Number(canvas.dataset.columns);
    const cell = canvas.width / columns;
    const [x, y] = [Math.floor((pfn % columns + 0.5) * cell), Math.floor((Math.floor(pfn / columns) + 0.5) * cell)];
    return [...canvas.getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3).join();
  }, pfn);
}

async function frameAgrees(page, told, name, at) {
  await until(async () => (await frameOf(page, told.frame)).refs === told.references, `the page shows ${told.references} references of frame ${told.frame}`);
  const frame = await frameOf(page, told.frame);
  equal([frame.kind, frame.refs], ['anonymous', told.references], `${name}: frame ${told.frame} is anonymous, with ${told.references} references`);
  ok(frame.owners.length > 0 && frame.owners.every((va) => va === at), `${name}: all its owners have it at ${at}`, frame.owners);
  return frame;
}

/** Bits and words of a fault in the list against what the program was told. */
async function faultAgrees(page, pid, told, frame) {
  await page.by('nav-faults').first().click();
  const row = page.page.locator(`[data-testid=fault][data-type=fault][data-pid="${pid}"][data-address="${told.address}"][data-cause="${told.cause}"]`).first();
  await row.waitFor();
  const shown = await row.evaluate((item) => ({ ...item.dataset }));
  equal([shown.err, shown.outcome], [told.err, told.outcome], `the fault at ${told.address} has code ${told.err}, ${told.cause}, ${told.outcome}`);
  equal(Number(shown.pfn), frame, 'and leads to the frame that the program found there');
  await row.click();
  return page.says('fault-detail', new RegExp(`pid ${pid} .*${told.address}`));
}

async function sharedAfterFork(page, parent, child, told) {
  const at = address(3);
  const walks = [await walkOf(page, parent, at), await walkOf(page, child, at)];
  for (const [i, walk] of walks.entries()) {
    equal([4, 3, 2, 1].map((level) => walk[level].index), [1, 2, 3, 3], `${i ? 'child' : 'parent'}: the walk's indexes are 1, 2, 3, 3`);
    equal(walk[1].pfn, told['parent 3'].frame, 'it ends in the frame that the program knows');
    equal(walk[4].bits & WRITABLE, 0, 'the top entry has W clear');
    ok(walk[3].text.includes('2 owners'), 'the node below it has two owners', walk[3].text);
  }
  equal([4, 3, 2].map((level) => walks[0][level].pfn), [4, 3, 2].map((level) => walks[1][level].pfn), 'parent and child walk through the same nodes');
  await frameAgrees(page, told['parent 3'], 'after fork', at);
}

async function partedAfterWrite(page, parent, child, text) {
  const told = pagesTold(text);
  const detail = await faultAgrees(page, child, faultTold(text), told['child 3'].frame);
  ok(/write/i.test(detail) && /copy-on-write/.test(detail) && detail.includes(`frame`), 'the fault is told in words', detail);
  await page.picture('cow_fault');
  await frameAgrees(page, told['child 3'], 'the copy', address(3));
  const shared = await frameAgrees(page, told['child 4'], 'its neighbour', address(4));
  equal(shared.owners.length, 2, 'which parent and child own');
  const [ours, theirs] = [await walkOf(page, parent, address(4)), await walkOf(page, child, address(4))];
  ok([3, 2, 1].every((level) => level === 1 || ours[level].pfn !== theirs[level].pfn), 'the walks have parted at each level');
  equal(ours[1].pfn, theirs[1].pfn, 'and end in one frame');
  equal(theirs[1].bits & WRITABLE, 0, 'which neither may write to');
  ok((await page.by('page-why').locator('li').evaluateAll((all) => all.map((item) => item.dataset.why))).includes('cow'), 'since it is copy-on-write');
  const [one, two] = [await colourOf(page, told['child 3'].frame), await colourOf(page, told['child 4'].frame)];
  ok(one !== two, 'a frame with two references has another colour in the grid than one with a single one', one, two);
}

/** The lesson from its text to its end. */
export async function cowFork(page, guest) {
  const first = await runLesson(page, guest, '04_cow_fork');
  const parent = Number(/This is process (\d+)/.exec(first)[1]);
  let told = pagesTold(await goOn(guest));
  await frameAgrees(page, told[' 3'], 'before fork', address(3));
  told = pagesTold(await goOn(guest));
  const child = parent + 1;
  await sharedAfterFork(page, parent, child, told);
  await page.by('nav-processes').first().click();
  equal(await page.page.locator(`[data-testid=process][data-pid="${child}"]`).getAttribute('data-ppid'), String(parent), 'the tree of processes has the child below the parent');
  await goOn(guest);
  await partedAfterWrite(page, parent, child, await goOn(guest));
  for (const what of ['taken over', 'copied']) {
    const text = await goOn(guest);
    told = pagesTold(text);
    const of = what === 'copied' ? 'parent 4' : 'parent 3';
    await faultAgrees(page, parent, faultTold(text), told[of].frame);
    await frameAgrees(page, told[of], `${of}, ${what}`, address(Number(of.slice(-1))));
  }
  await lastStep(guest);
}

/** Three generations: one frame with three references, and three owners that the page names. => that moment */
export async function forkOfFork(page, guest) {
  await runLesson(page, guest, '05_fork_of_fork');
  await goOn(guest);
  await goOn(guest);
  await goOn(guest);
  const told = pagesTold(await goOn(guest));
  const frame = await frameAgrees(page, told['child 2'], 'three leaves', address(2));
  equal([told['child 2'].references, frame.owners.length], [3, 3], 'three references are three owners');
  const moment = { picture: Number(await page.root('data-picture')), frame: told['child 2'].frame, known: frame };
  await goOn(guest);
  await lastStep(guest);
  return moment;
}

/** /proc/gaur/frames, read by the shell itself: no other process comes and goes meanwhile. */
async function framesTold(guest) {
  await guest.type('while read kind count; do echo "$kind $count"; done < /proc/gaur/frames; echo that is "all"');
  const text = await guest.read(/that is all\n/);
  await guest.prompt();
  return Object.fromEntries([...text.matchAll(/^(\w+) (\d+)$/gm)].map(([, kind, count]) => [kind, Number(count)]));
}

/** Frames by kind, as a program of the guest reads them and as the page shows them. */
export async function countsAgree(page, guest) {
  await framesTold(guest); // what the shell needs for this it has the next time
  const told = await framesTold(guest);
  const shown = {};
  const agree = async () => {
    for (const kind of Object.keys(told)) shown[kind] = await page.number(`kind-${kind}`);
    return KINDS_AT_REST.every((kind) => shown[kind] === told[kind]);
  };
  await until(agree, 'the counts by kind agree', () => `${JSON.stringify(told)}\n${JSON.stringify(shown)}`);
  ok(true, 'frames by kind are as many as /proc/gaur/frames says');
  const all = Object.values(shown).reduce((sum, count) => sum + count, 0);
  equal(all, Object.values(told).reduce((sum, count) => sum + count, 0), 'and all of them together');
}
