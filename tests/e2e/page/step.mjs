// SPDX-License-Identifier: MIT
/** Time: the guest is held at each fault and let on one by one; it is paused; it ends, and its last picture stays. */
import { equal, ok, sleep, until } from './harness.mjs';

const STEPS = 12;
const A_WHILE = 400; // milliseconds in which a guest that is not held would fault again

async function pgfault(page) {
  return page.number('counter-pgfault');
}

/** One click, and the counter that it leads to. */
async function stepOnce(page, wanted) {
  await page.by('step').click();
  await until(async () => (await pgfault(page)) >= wanted, `pgfault is ${wanted}`, () => `step to ${wanted}`);
  return pgfault(page);
}

/** With one processor, N steps are N faults: no more, no fewer. */
export async function stepByStep(page, guest) {
  await page.by('step').click();
  await guest.type('ls /');
  await page.says('run-reason', /pid \d+/);
  await page.shows('run-state', 'data-value', 'stepping');
  const before = await pgfault(page);
  const seen = [];
  for (let i = 1; i <= STEPS; i++) seen.push((await stepOnce(page, before + i)) - before);
  equal(seen, Array.from({ length: STEPS }, (_, i) => i + 1), `${STEPS} steps raise pgfault one by one`);
  await sleep(A_WHILE);
  equal((await pgfault(page)) - before, STEPS, 'and then it stands still');
  await page.picture('held');
  await page.by('nav-faults').first().click();
  ok(await page.says('fault-detail', /^Held: The (program|kernel)/), 'the fault that holds the guest is told in words');
  await page.by('go').click();
  await page.shows('run-state', 'data-value', 'running');
  await guest.prompt();
  ok(/\bproc\b/.test(await guest.text()), 'let go, the program does its work');
}

/** A paused guest does nothing; what is typed meanwhile is done afterwards. */
export async function pauseAndGo(page, guest) {
  await page.by('pause').click();
  await page.shows('run-state', 'data-value', 'paused');
  const [faults, before] = [await pgfault(page), (await guest.text()).length];
  await guest.type('echo it "goes"');
  await sleep(A_WHILE);
  equal([await pgfault(page), (await guest.text()).length], [faults, before], 'a paused guest does nothing');
  await page.by('go').click();
  await guest.read(/it goes/);
  ok(true, 'and goes on where it was');
  await guest.prompt();
}

/** What the page shows of faults is what the guest knows, when nobody faults. */
export async function countersAgree(page, guest) {
  const question = 'while read name value; do [ $name = pgfault ] && echo "$name is $value"; done < /proc/vmstat';
  await guest.type(question);
  await guest.read(/pgfault is \d+/);
  await guest.prompt();
  await guest.type(question);
  const told = Number(/pgfault is (\d+)/.exec(await guest.read(/pgfault is \d+/))[1]);
  await guest.prompt();
  await until(async () => (await pgfault(page)) === told, `the page counts ${told} faults`, () => `${told}`);
  equal(await pgfault(page), told, 'the page counts the faults that /proc/vmstat counts');
}

export async function endsAndStays(page, guest, watch) {
  const anonymous = await page.number('kind-anonymous');
  await guest.type('exit 7');
  await page.shows('run-state', 'data-value', 'ended');
  equal(await page.root('data-run'), 'ended', 'the page knows that the guest has ended');
  ok((await page.number('kind-free')) > 0 && anonymous > 0, 'the last picture stays');
  await page.by('frame-jump').fill('100');
  await page.by('frame-jump').press('Enter');
  await page.shows('frame-readout', 'data-pfn', 100);
  ok(await page.by('console-input').isDisabled(), 'nothing can be typed any more');
  await page.picture('ended');
  await page.close();
  equal(await watch.end(), 7, "closing the page ends `gaur watch`, with the program's exit status");
}
