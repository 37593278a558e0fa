// SPDX-License-Identifier: MIT
/** Plain words for the kernel's: kinds of frames, causes and outcomes of faults, types of events. */

const KINDS: Record<string, string> = {
  reserved: 'firmware, or not there',
  image: 'the kernel itself',
  free: 'free',
  kernel: "the kernel's buffers and tables",
  slab: 'small objects of the kernel',
  stack: 'stacks of the kernel',
  node: 'page tables',
  vpi: "the vpage_infos beside a page table's leaf",
  anonymous: "a process's own memory",
  huge: 'first frame of 2 MiB mapped at once',
  file: 'pages of files',
  zero: 'the one frame of zeros',
  swap: 'memory that also has a slot in swap',
};

const CAUSES: Record<string, string> = {
  none: 'no cause told',
  stack_growth: 'First write below the stack, within its limit: the stack grows and gets a frame of zeros.',
  stack_growth_read: 'First read below the stack: it grows, and the zero frame is mapped read-only.',
  anonymous_write: 'First write to memory that was only promised: it gets a frame of zeros now.',
  anonymous_read: 'First read of memory that was only promised: the zero frame is mapped read-only.',
  zero_frame_write: 'A write to the zero frame: the page gets a frame of its own.',
  file_first_touch: 'First touch of a page of a file: it comes from the page cache.',
  file_private_write: 'A write to a private mapping of a file: the page is copied.',
  file_shared_write: 'First write to a clean shared page of a file: marked dirty and made writable.',
  cow_write: 'A write to a copy-on-write page: copied, or taken over if nobody else holds its frame any more.',
  swapped: 'The page was in swap: it is read back.',
  shared_node_write: 'A write under a node that was shared since a fork: the path became private, and no more was needed.',
  already_resolved: 'The entry was behind its metadata, or another CPU was faster: nothing to do but look again.',
  readonly_write: 'A write to a region that may only be read.',
  prot_none: 'An access to a region that allows nothing.',
  no_execute: 'An instruction fetch from memory that may not be executed.',
  past_end_of_file: 'An access behind the end of the mapped file.',
  no_region: 'An address in no region: the program is wrong.',
  kernel_address: 'The program touched an address of the kernel.',
  non_canonical: 'An address that is none: bits 47 to 63 differ.',
};

const OUTCOMES: Record<string, string> = {
  resolved: 'resolved: the access succeeds now',
  retry: 'retry: somebody is at work on the page',
  sigsegv_maperr: 'SIGSEGV: nothing is mapped there',
  sigsegv_accerr: 'SIGSEGV: not allowed there',
  sigbus_adrerr: 'SIGBUS: no such page in the file',
  out_of_memory: 'no memory for it',
};

const TYPES: Record<string, string> = {
  fault: 'page fault',
  fork: 'fork',
  exec: 'exec',
  exit: 'exit',
  map: 'map',
  unmap: 'unmap',
  protect: 'protect',
  discard: 'discard',
  flush: 'TLB flush',
  swap_out: 'swap out',
  swap_in: 'swap in',
};

export function spaced(word: string): string {
  return word.replaceAll('_', ' ');
}

export function kindText(word: string): string {
  return KINDS[word] ?? spaced(word);
}

export function causeText(word: string): string {
  return CAUSES[word] ?? spaced(word);
}

export function outcomeText(word: string): string {
  return OUTCOMES[word] ?? spaced(word);
}

export function typeText(word: string): string {
  return TYPES[word] ?? spaced(word);
}

/** Whether an outcome is an error of the program. */
export function isSignal(outcome: string): boolean {
  return outcome.startsWith('sig') || outcome === 'out_of_memory';
}
