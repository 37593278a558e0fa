// SPDX-License-Identifier: MIT
// Bundles the tests into one file and runs it: TAP on standard output. `--sample FILE` writes the simulated recording,
// `--check RECORDING` looks at every page of a recording.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '../../../build/watch/page');
const [option, ...rest] = process.argv.slice(2);
const entry = { '--sample': 'sample.ts', '--check': 'check.ts' }[option] ?? 'all.test.ts';
mkdirSync(out, { recursive: true });
const file = join(out, entry.replace('.ts', '.mjs'));
await build({ entryPoints: [join(here, entry)], outfile: file, bundle: true, platform: 'node', format: 'esm', logLevel: 'warning' });
const args = entry === 'all.test.ts' ? ['--test', '--test-reporter=tap', file] : [file, ...rest];
process.exit(spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1);
