#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A database on a disk: Debian's SQLite writes 100,000 rows in ten transactions, and the machine is killed right after a commit and in
the middle of later ones. Repaired and started again, the database is sound, and has what was committed.

The root with the packages is an ext2 itself: programs and libraries come from the disk as well, in 16 MB.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'debian')]
from ext2_image import clean, make_image, repaired  # noqa: E402  (needs the path above)
from harness import GAUR, SECONDS, TOP, done, equal, folder, ok, qemus_of, skip, wait_until  # noqa: E402
from side_by_side import Unavailable, unpack  # noqa: E402

FOLDER = 'build/sqlite'
PACKAGES = 'sqlite3 libsqlite3-0 libc6 libreadline8 libtinfo6 zlib1g'.split()
BATCH = 10000       # rows of a transaction
dice = random.Random(int(os.environ.get('GAUR_SEED', '1')))

def stage():
    """An image with the packages, and a folder for the databases."""
    root = os.path.join(folder(), 'root')
    shutil.copytree(FOLDER + '/unpacked', root, symlinks=True)
    for name in ('data', 'dev', 'proc', 'root', 'tmp'):
        os.makedirs(os.path.join(root, name), exist_ok=True)
    return make_image('database', 48, '-d', root)

# What a row holds follows from its number. Two indices make a transaction change pages everywhere.
KEY, TEXT = '(id * 7919) % 100003', "printf('%x-%d', (id * 48271) % 65537, id)"
TABLE = '''create table if not exists t (id integer primary key, key integer, text text);
    create index if not exists by_key on t (key);
    create index if not exists by_text on t (text);'''

def tell(what):
    """A line on the standard error of sqlite3, at once, which its output to a pipe is not."""
    return f"select writefile('/dev/hosterr', {what} || char(10));\n"

def transaction(batch):
    first = batch * BATCH
    return f'''begin;
        with recursive n(id) as (select {first} union all select id + 1 from n where id < {first + BATCH - 1})
            insert into t select id, {KEY}, {TEXT} from n;
        commit;''' + tell(f"'committed {batch}'")

class Database:
    """One sqlite3, on a machine of its own, that is talked to."""

    def __init__(self, image, mode):
        self.image = image
        self.machine = subprocess.Popen([GAUR, 'run', '--quiet', '-m', '16M', '--timeout', str(SECONDS), '--root', image, '--', 'sqlite3', '-bail',
                                         f'/data/{mode}.db'], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.say(f'pragma journal_mode={mode};\n{TABLE}\n')

    def say(self, sql):
        self.machine.stdin.write(sql)
        self.machine.stdin.flush()

    def ask(self, sql):
        """Its answer, of one line."""
        self.say(tell(sql))
        return self.machine.stderr.readline().rstrip('\n')

    def write(self, batches, seconds=None):
        """Commits these batches, or as many as it can until it is killed, so many seconds after the first. What it said."""
        self.say(''.join(transaction(batch) for batch in batches))
        said = [self.machine.stderr.readline()]
        if seconds is None:
            return said + [self.machine.stderr.readline() for _ in batches[1:]]
        threading.Timer(seconds, self.machine.kill).start()
        return said + self.machine.stderr.readlines()

    def is_gone(self):
        self.machine.wait()
        return wait_until(lambda: not qemus_of(self.image))

    def end(self):
        """It ends by itself. Its status."""
        self.machine.communicate()
        return self.machine.returncode

def last_committed(said):
    return max((int(found[1]) for line in said if (found := re.fullmatch(r'committed (\d+)\n', line))), default=-1)

def check(database, last):
    """Everything up to this batch is there, whole, and the database is sound. How many batches there are."""
    equal(database.ask('(select group_concat(integrity_check) from pragma_integrity_check)'), 'ok', 'integrity_check says ok')
    said = database.ask(f"(select count(*) || ' ' || ifnull(max(id), -1) || ' ' || ifnull(sum(key <> {KEY} or text <> {TEXT}), 0) from t)")
    rows, newest, wrong = (int(number) for number in re.fullmatch(r'(\d+) (-?\d+) (\d+)', said).groups()) if said[:1].isdigit() else (-1, 0, 0)
    ok(rows % BATCH == 0 and rows > last * BATCH and newest == rows - 1 and not wrong,
       f'all {last + 1} transactions that were committed are there, and none in part', f'rows, the newest, wrong ones: {said}')
    if rows < 0:
        done()      # there is no use in going on
    return rows // BATCH

def live(image, mode, batches, deaths):
    """A database's life, with one kind of journal. The machine dies so many seconds after each of these batches."""
    database, first = Database(image, mode), 0
    for batch, seconds in deaths:
        said = database.write(range(first, batch), None) if first < batch else []
        said += database.write(range(batch, batches), seconds)
        last = last_committed(said)
        ok(batch <= last < batches - 1 and database.is_gone(), f'{mode}: the machine is killed {seconds:.2f} s after a commit', said)
        repaired(image, 'what it leaves')
        database = Database(image, mode)
        first = check(database, last)
    check(database, last_committed(database.write(range(first, batches))))
    equal(database.end(), 0, f'{mode}: all {batches * BATCH} rows are written in the end')
    clean(image, 'e2fsck finds nothing')

def main():
    os.chdir(TOP)
    os.makedirs(FOLDER, exist_ok=True)
    try:
        unpack(FOLDER, PACKAGES)
    except Unavailable as why:
        skip("Debian's SQLite on a disk", why)
        done()
    image = stage()
    live(image, 'delete', 10, [(3, 0), (6, dice.uniform(0.1, 1))])
    live(image, 'wal', 4, [(1, dice.uniform(0.1, 0.4))])
    done()

main()
