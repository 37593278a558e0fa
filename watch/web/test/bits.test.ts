// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryIndex, parseAddress, partOf } from '../src/model/address';
import { faultBits, faultSentence, pteBits, vpiBits } from '../src/model/bits';
import { parse } from '../src/model/messages';

const letters = (bits: { letter: string; set: boolean }[]) =>
  bits
    .filter((bit) => bit.set)
    .map((bit) => bit.letter)
    .join(' ');

test('each_bit_of_an_error_code_has_its_letter', () => {
  assert.equal(letters(faultBits(0)), '');
  assert.equal(letters(faultBits(1)), 'P');
  assert.equal(letters(faultBits(2)), 'W');
  assert.equal(letters(faultBits(4)), 'U');
  assert.equal(letters(faultBits(16)), 'I');
  assert.equal(letters(faultBits(7)), 'P W U');
});

test('an_error_code_is_told_in_words', () => {
  assert.match(faultSentence(7), /^The program wrote to a page whose entry is present/);
  assert.match(faultSentence(4), /^The program read a page that has no entry/);
  assert.match(faultSentence(2), /^The kernel wrote to a page that has no entry/);
  assert.match(faultSentence(21), /^The program fetched an instruction from a page whose entry is present/);
  assert.match(faultSentence(9), /reserved bit/);
});

test('entries_and_vpage_infos_are_decoded', () => {
  assert.equal(letters(pteBits(0x67 | 4096)), 'P W U A D NX');
  assert.equal(letters(vpiBits(5)), 'used present');
  assert.equal(letters(vpiBits(0)), '');
});

test('indexes_of_a_walk_are_nine_bits_each', () => {
  const va = 0x7ffd6f3ff123;
  assert.deepEqual(
    [4, 3, 2, 1].map((level) => entryIndex(va, level)),
    [255, 501, 377, 511],
  );
});

test('addresses_are_read_as_people_type_them', () => {
  assert.equal(parseAddress(' 0x7f3a_1000'), 0x7f3a1000n);
  assert.equal(parseAddress('7F3A'), 0x7f3an);
  assert.equal(parseAddress('0xffff800000000000'), 0xffff800000000000n);
  for (const wrong of ['', '0x', 'hello', '0x123456789abcdef01', '-1', '1.5']) assert.equal(parseAddress(wrong), null, wrong);
});

test('the_address_map_has_three_parts', () => {
  assert.equal(partOf(0x7fffffffffffn), 'user');
  assert.equal(partOf(0x800000000000n), 'non-canonical');
  assert.equal(partOf(0xffff7fffffffffffn), 'non-canonical');
  assert.equal(partOf(0xffff800000000000n), 'kernel');
});

test('what_is_no_message_is_refused', () => {
  for (const line of ['', '{', 'null', '7', '"picture"', '{"n":1}', '{"type":"sing"}', '{"type":"picture","n":1,"fra'])
    assert.equal(parse(line), null, line);
  assert.equal(parse('{"type":"console","text":"a"}')?.type, 'console');
});
