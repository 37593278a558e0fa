// SPDX-License-Identifier: MIT
// test/export.mjs RECORDING OUT: the built page with a recording inside, as `./gaur watch` exports it.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [recording, out] = process.argv.slice(2);
const page = readFileSync(join(dirname(fileURLToPath(import.meta.url)), '../dist/index.html'), 'utf8');
const lines = readFileSync(recording, 'utf8').replaceAll('<', '\\u003c');
writeFileSync(
  out,
  page.replace('<!-- recording -->', () => `<script type="application/x-ndjson" id="recording">${lines}</script>`),
);
