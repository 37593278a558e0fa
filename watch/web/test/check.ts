// SPDX-License-Identifier: MIT
/** test/run.mjs --check RECORDING: looks at every page of every picture of a recording, and tells which entries are wrong. */
import { readFileSync } from 'node:fs';
import { parse } from '../src/model/messages';
import { Model } from '../src/model/model';
import { leafPages } from '../src/model/nodes';
import { walk } from '../src/model/walk';
import { explain } from '../src/model/why';

let model: Model | null = null;
let wrong = 0;
let pages = 0;
const words = new Map<string, number>();

function look(): void {
  for (const space of model!.spaces.values())
    for (const node of model!.nodes.values()) {
      if (node.level !== 1) continue;
      for (const page of leafPages(node)) {
        const found = walk(model!, space, node.base + page.index * 4096);
        if (found.leaf !== node) continue;
        pages++;
        for (const reason of explain(model!, found)) {
          words.set(reason.word, (words.get(reason.word) ?? 0) + 1);
          if (reason.tone === 'wrong' && wrong++ < 20)
            console.log(`picture ${model!.n}: space ${space.id}, 0x${found.va.toString(16)}: ${reason.text}`);
        }
      }
    }
}

for (const line of readFileSync(process.argv[2]!, 'utf8').split('\n')) {
  const message = parse(line);
  if (message?.type === 'hello') model = new Model(message);
  if (message?.type !== 'picture' || !model) continue;
  model.apply(message);
  const counts = new Array<number>(model.hello.kinds.length).fill(0);
  for (const kind of model.kind) counts[kind]!++;
  if (message.kinds && counts.join() !== message.kinds.join())
    console.log(`picture ${model.n}: frames by kind are ${counts.join()}, the picture says ${message.kinds.join()}`);
  look();
}
console.log(`${pages} pages looked at, ${wrong} wrong; ${[...words].map(([word, n]) => `${word} ${n}`).join(', ')}`);
process.exitCode = wrong ? 1 : 0;
