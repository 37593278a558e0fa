// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LeafRun } from '../src/model/messages';
import type { Model } from '../src/model/model';
import { isRow, looksOf, rowsOf } from '../src/model/strip';
import { play } from './play';
import { region, small } from './small';

function pagesOf(rows: ReturnType<typeof rowsOf>): number {
  return rows.reduce((pages, row) => pages + (isRow(row) ? row.cells.length : row.pages), 0);
}

test('every_page_of_a_region_has_its_place', () => {
  play((model, picture) => {
    if (picture.n % 20) return;
    for (const space of model.spaces.values())
      for (const one of space.regions)
        for (const columns of [32, 64]) {
          const rows = rowsOf(model, space, one, columns);
          assert.equal(pagesOf(rows), (one.end - one.start) / 4096);
          for (const row of rows.filter(isRow)) row.cells.forEach((cell, i) => assert.equal(cell.va, row.va + (row.from + i) * 4096));
        }
  });
});

test('high_addresses_stand_above_low_ones', () => {
  const model = small({ runs: [], regions: [region({ end: '0x500000' })] });
  const rows = rowsOf(model, model.spaces.get(1)!, model.spaces.get(1)!.regions[0]!, 64).filter(isRow);
  assert.ok(rows[0]!.va > rows.at(-1)!.va);
});

test('a_region_of_terabytes_is_a_few_rows_and_a_break', () => {
  const model = small({ runs: [[0, 1, 0, 100, 7, 100, 7]], regions: [region({ end: '0x600000000000' })] });
  const space = model.spaces.get(1)!;
  const rows = rowsOf(model, space, space.regions[0]!, 64);
  assert.ok(rows.length < 40, `${rows.length}`);
  assert.equal(pagesOf(rows), (0x600000000000 - 0x400000) / 4096);
  assert.equal(rows.filter(isRow).at(-1)!.cells[0]!.pfn, 100);
});

test('rows_that_look_otherwise_have_another_number', () => {
  const given = { runs: [[0, 1, 0, 100, 7, 100, 7]] as LeafRun[] };
  const looks = (model: Model) => looksOf(rowsOf(model, model.spaces.get(1)!, model.spaces.get(1)!.regions[0]!, 64));
  const same = looks(small(given));
  assert.equal(looks(small(given)), same);
  const others = [
    small({ runs: [] }),
    small({ ...given, frames: [[100, 1, 8, 2]] }),
    small({ ...given, frames: [[100, 1, 10, 1]] }),
    small({ ...given, owners: [1, 2, 1, 1] }),
    small({ runs: [[1, 1, 0, 100, 7, 100, 7]] }),
    small({ runs: [[0, 1, 0, 101, 7, 101, 7]] }),
    small({ runs: [[0, 1, 0, 9, 4, 0, 0]] }),
  ];
  assert.equal(new Set([same, ...others.map(looks)]).size, others.length + 1);
});
