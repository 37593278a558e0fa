// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { walk } from '../src/model/walk';
import { explain } from '../src/model/why';
import type { LeafRun, RegionMessage } from '../src/model/messages';
import { leafPages } from '../src/model/nodes';
import { KINDS } from './machine';
import { play } from './play';
import { ANON, BASE, region, small } from './small';

const FILE = KINDS.indexOf('file');
const ZERO = KINDS.indexOf('zero');

interface Case {
  run?: LeafRun;
  in?: Partial<RegionMessage>;
  refs?: number;
  kind?: number;
  above?: [number, number, number];
  owners?: [number, number, number, number];
  torn?: string[];
}

function words({ run, in: change, refs = 1, kind = ANON, above = [7, 7, 7], owners = [1, 1, 1, 1], torn = [] }: Case): string[] {
  const model = small({ runs: run ? [run] : [], regions: [region(change)], frames: [[100, 1, kind, refs]], above, owners, torn });
  return explain(model, walk(model, model.spaces.get(1)!, BASE)).map((reason) => reason.word);
}

const CASES: [string, Case, string[]][] = [
  ['a_page_of_its_own_agrees', { run: [0, 1, 0, 100, 7, 100, 7 | 4096] }, ['agrees']],
  ['an_untouched_page_has_no_entry', {}, ['not_touched']],
  ['two_references_write_protect_a_page', { run: [0, 1, 0, 100, 7, 100, 5 | 4096], refs: 2 }, ['cow']],
  ['the_zero_frame_is_write_protected', { run: [0, 1, 0, 100, 5, 100, 5 | 4096], kind: ZERO, refs: 0 }, ['zero_frame']],
  [
    'a_private_page_of_a_file_is_write_protected',
    { run: [0, 1, 0, 100, 5, 100, 5 | 4096], kind: FILE, refs: 2, in: { file: '/bin/sh' } },
    ['file_private'],
  ],
  [
    'a_clean_shared_page_of_a_file_is_write_protected',
    { run: [0, 1, 0, 100, 5, 100, 5 | 4096], kind: FILE, refs: 2, in: { file: '/f', shared: true } },
    ['file_clean'],
  ],
  [
    'a_dirty_shared_page_may_have_many_references',
    { run: [0, 1, 0, 100, 7, 100, 7 | 4096], kind: FILE, refs: 5, in: { file: '/f', shared: true } },
    ['agrees'],
  ],
  ['a_read_only_region_explains_the_entry', { run: [0, 1, 0, 100, 5, 100, 5], in: { prot: 'r-x' } }, ['read_only']],
  ['prot_none_has_a_frame_and_no_entry', { run: [0, 1, 0, 100, 7, 0, 0], in: { prot: '---' } }, ['prot_none']],
  ['a_page_in_swap_has_no_entry', { run: [0, 1, 0, 42, 4, 0, 0] }, ['in_swap']],
  ['a_moving_page_has_no_entry', { run: [0, 1, 0, 100, 15, 0, 0] }, ['moving']],
  ['a_leaving_page_has_no_entry', { run: [0, 1, 0, 100, 23, 0, 0] }, ['leaving']],
  ['present_and_not_yet_mapped', { run: [0, 1, 0, 100, 7, 0, 0] }, ['not_mapped']],
  ['an_entry_may_be_weaker_when_the_last_sharer_has_gone', { run: [0, 1, 0, 100, 7, 100, 5 | 4096] }, ['weaker']],
  ['an_entry_that_allows_writing_to_a_cow_page_is_wrong', { run: [0, 1, 0, 100, 7, 100, 7 | 4096], refs: 2 }, ['stronger', 'cow']],
  ['an_entry_of_a_page_in_swap_is_wrong', { run: [0, 1, 0, 42, 4, 100, 7] }, ['stronger', 'in_swap']],
  ['an_entry_to_another_frame_is_wrong', { run: [0, 1, 0, 100, 7, 101, 7 | 4096] }, ['other_frame']],
  ['execution_against_the_region_is_wrong', { run: [0, 1, 0, 100, 7, 100, 7] }, ['stronger']],
  [
    'a_shared_node_write_protects_all_below',
    { run: [0, 1, 0, 100, 7, 100, 7 | 4096], above: [5, 7, 7], owners: [1, 2, 1, 1] },
    ['shared_node'],
  ],
  ['a_torn_part_is_never_called_wrong', { run: [0, 1, 0, 100, 7, 100, 7 | 4096], refs: 2, torn: ['space 1'] }, ['torn', 'cow']],
];

for (const [name, given, expected] of CASES) test(name, () => assert.deepEqual(words(given), expected));

test('an_address_in_no_region_is_told', () => {
  const model = small({ runs: [] });
  assert.equal(explain(model, walk(model, model.spaces.get(1)!, 0x10))[0]!.word, 'no_region');
});

test('the_text_of_a_cow_page_tells_its_references', () => {
  const model = small({ runs: [[0, 1, 0, 100, 7, 100, 5 | 4096]], frames: [[100, 1, ANON, 3]] });
  assert.match(explain(model, walk(model, model.spaces.get(1)!, BASE))[0]!.text, /3 references.*copy-on-write/);
});

test('nothing_in_the_story_is_ever_wrong', () => {
  let pages = 0;
  const seen = new Set<string>();
  play((model) => {
    for (const space of model.spaces.values())
      for (const node of model.nodes.values()) {
        if (node.level !== 1) continue;
        for (const page of leafPages(node)) {
          const found = walk(model, space, node.base + page.index * 4096);
          if (found.leaf !== node || !found.region) continue;
          for (const reason of explain(model, found)) {
            assert.notEqual(reason.tone, 'wrong', reason.text);
            seen.add(reason.word);
          }
          pages++;
        }
      }
  });
  assert.ok(pages > 1000);
  for (const word of ['cow', 'zero_frame', 'file_private', 'in_swap', 'shared_node', 'read_only', 'weaker'])
    assert.ok(seen.has(word as never), word);
});
