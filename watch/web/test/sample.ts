// SPDX-License-Identifier: MIT
import { writeFileSync } from 'node:fs';
import { lines, Story } from './story';

const [file = '/dev/stdout', frames = '4096'] = process.argv.slice(2);
writeFileSync(file, lines(new Story(Number(frames)).tell()));
