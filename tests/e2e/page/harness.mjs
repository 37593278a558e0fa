// SPDX-License-Identifier: MIT
/**
 * What the tests of the viewer's page share: TAP, `./gaur watch`, a browser, and a page whose mistakes are noted.
 *
 * The page tells what it shows by data-testid and data-* attributes; a test waits until it shows what is expected, and for nothing else.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const TOP = fileURLToPath(new URL('../../..', import.meta.url));
const GAUR = process.env.GAUR ?? join(TOP, 'gaur');
export const PATIENCE = 90_000; // more than anything here takes, on a slow machine
const PICTURES = join(TOP, 'build', 'test', 'page');

/* ---- TAP ---- */

let number = 0;
let failed = 0;

export function ok(condition, name, ...notes) {
  number++;
  if (!condition) failed++;
  console.log(`${condition ? 'ok' : 'not ok'} ${number} - ${name}`);
  if (!condition) for (const note of notes) for (const line of String(note).split('\n').slice(-25)) console.log(`# ${line}`);
  return Boolean(condition);
}

export function equal(got, wanted, name, ...notes) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  return ok(a === b, name, `wanted ${b}`, `got    ${a}`, ...notes);
}

export function done() {
  console.log(`1..${number}`);
  process.exitCode = failed ? 1 : 0;
}

/* ---- ./gaur watch ---- */

const children = new Set();
const folder = mkdtempSync(join(tmpdir(), 'gaur-test-'));
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

export function scratch(name) {
  return join(folder, name);
}

export class Watch {
  errors = '';
  url = '';

  constructor(...words) {
    this.process = spawn(GAUR, ['watch', '--port', '0', '--no-browser', ...words], { stdio: ['pipe', 'ignore', 'pipe'] });
    children.add(this.process);
    this.process.stderr.on('data', (piece) => (this.errors += piece));
    this.ended = new Promise((resolve) => this.process.on('exit', (code, signal) => resolve(code ?? signal)));
    this.ended.then(() => children.delete(this.process));
  }

  /** Its address, once it has told it. */
  async ready() {
    await until(() => /http:\/\/\S+/.test(this.errors) || this.process.exitCode !== null, 'the page is served', () => this.errors);
    this.url = this.errors.match(/http:\/\/\S+/)?.[0] ?? '';
    return this;
  }

  /** Its exit status. */
  async end() {
    const late = sleep(PATIENCE).then(() => 'it did not end');
    return Promise.race([this.ended, late]);
  }

  stop() {
    this.process.kill('SIGTERM');
    return this.end();
  }
}

export function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}

export async function until(condition, what, told = () => '') {
  const end = Date.now() + PATIENCE;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}\n${told()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/* ---- the browser ---- */

function chromium() {
  const found = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
  if (!found) throw new Error('no Chromium here; tools/setup.sh installs it');
  return found;
}

export async function browse() {
  const { chromium: driver } = createRequire(join(TOP, 'watch', 'web', 'package.json'))('playwright-core');
  return driver.launch({ executablePath: chromium(), headless: true, args: ['--no-sandbox', '--disable-gpu'] });
}

/** A page, and what went wrong in it: messages of errors, and requests to elsewhere. */
export class Page {
  wrong = [];

  static async open(browser, url, options = {}) {
    const self = new Page();
    const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, colorScheme: 'dark', ...options });
    self.page = await context.newPage();
    self.page.setDefaultTimeout(PATIENCE);
    self.page.on('console', (message) => message.type() === 'error' && self.wrong.push(`console: ${message.text()}`));
    self.page.on('pageerror', (error) => self.wrong.push(`error: ${error.stack ?? error}`));
    self.page.on('request', (request) => self.note(request.url()));
    self.page.on('websocket', (socket) => self.note(socket.url()));
    await self.page.goto(url);
    return self;
  }

  note(url) {
    const { hostname, protocol } = new URL(url);
    if (hostname !== '127.0.0.1' && !['file:', 'data:', 'blob:'].includes(protocol)) this.wrong.push(`asks for ${url}`);
  }

  by(id) {
    return this.page.getByTestId(id);
  }

  /** An attribute of the first element with this id, or of the page itself. */
  async get(id, name) {
    return this.by(id).first().getAttribute(name);
  }

  root(name) {
    return this.page.evaluate((name) => document.documentElement.getAttribute(name), name);
  }

  async text(id) {
    return (await this.by(id).first().textContent()) ?? '';
  }

  /** Waits until an attribute has this value. */
  async shows(id, name, value) {
    await until(async () => (await this.get(id, name)) === String(value), `${id} has ${name} ${value}`);
  }

  /** Waits until the text has what is expected; returns it. */
  async says(id, pattern) {
    let text = '';
    await until(async () => pattern.test((text = await this.text(id))), `${id} says ${pattern}`, () => text);
    return text;
  }

  async number(id, name = 'data-value') {
    return Number(await this.get(id, name));
  }

  async picture(name) {
    mkdirSync(PICTURES, { recursive: true });
    await this.page.screenshot({ path: join(PICTURES, `${name}.png`) });
  }

  async close() {
    await this.page.context().close();
  }
}

/* ---- the guest's console, through the page ---- */

export class Console {
  constructor(page) {
    this.page = page;
    this.seen = 0; // how much of the text has been waited for
  }

  async type(line) {
    await this.page.by('nav-console').first().click();
    await this.page.by('console-input').fill(line);
    await this.page.by('console-send').click();
  }

  async text() {
    await this.page.by('nav-console').first().click();
    return this.page.text('console-output');
  }

  /** What was written since the last time, up to a match. */
  async read(pattern) {
    let text = '';
    await until(async () => pattern.test((text = (await this.text()).slice(this.seen))), `the console says ${pattern}`, () => text);
    const match = pattern.exec(text);
    this.seen += match.index + match[0].length;
    return text.slice(0, match.index + match[0].length);
  }

  prompt() {
    return this.read(/gaur:\S*[#$] $/);
  }
}
