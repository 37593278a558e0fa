// SPDX-License-Identifier: MIT
// Bundles the tests into one file and runs it: TAP on standard output. `--sample FILE` writes the simulated recording.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '../../../build/watch/page');
const sample = process.argv.indexOf('--sample');
const entry = sample > 0 ? 'sample.ts' : 'all.test.ts';
mkdirSync(out, { recursive: true });
const file = join(out, entry.replace('.ts', '.mjs'));
await build({ entryPoints: [join(here, entry)], outfile: file, bundle: true, platform: 'node', format: 'esm', logLevel: 'warning' });
const args = sample > 0 ? [file, ...process.argv.slice(sample + 1)] : ['--test', '--test-reporter=tap', file];
process.exit(spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1);
