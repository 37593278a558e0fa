// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainText } from '../src/model/console';

test('control_sequences_of_terminals_are_left_out', () => {
  assert.equal(plainText('\x1b[1;31mred\x1b[0m\r\n\x1b]0;title\x07~ # \x1b[6n'), 'red\n~ # ');
  assert.equal(plainText('10%\r20%\r\ndone'), '20%\ndone');
  assert.equal(plainText('lx\b \bs\n'), 'ls\n');
});
