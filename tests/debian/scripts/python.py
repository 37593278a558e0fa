# SPDX-License-Identifier: MIT
# The standard library, as far as it needs something of the kernel: files, processes, threads, signals, memory, time.
import array, collections, decimal, errno, fcntl, functools, gc, glob, gzip, hashlib, io, itertools, json, math, mmap
import multiprocessing, os
import pathlib, pickle, queue, random, re, resource, select, shutil, signal, sqlite3, stat, struct, subprocess, sys
import tempfile, textwrap, threading, time, zlib
from concurrent.futures import ThreadPoolExecutor

print(sys.version_info[:2], sys.platform, os.name, sys.byteorder, sys.maxsize)
print(json.dumps({"b": [1, 2.5, None, True], "a": "ü"}, sort_keys=True), re.findall(r"(\w)(\d)", "a1 b2"))
print(hashlib.sha256(b"x" * 100000).hexdigest(), zlib.crc32(b"hello"), decimal.Decimal(2).sqrt())
print(gzip.decompress(gzip.compress(b"y" * 1000)) == b"y" * 1000, pickle.loads(pickle.dumps({1: (2, 3)})), struct.pack("<IH", 1, 2))
random.seed(1)
print(random.random(), random.sample(range(100), 5), math.factorial(30), 2 ** 200)

folder = tempfile.mkdtemp()
os.chdir(folder)
path = pathlib.Path("file.txt")
path.write_text("one\ntwo\nthree\n")
print(path.stat().st_size, stat.filemode(path.stat().st_mode), path.read_text().split())
os.symlink("file.txt", "link"); os.link("file.txt", "hard"); os.mkdir("sub")
print(sorted(os.listdir()), os.readlink("link"), os.stat("hard").st_nlink, sorted(glob.glob("*.t*")))
with os.scandir() as entries:
    print(sorted((entry.name, entry.is_dir(), entry.is_symlink()) for entry in entries))
with open("file.txt", "r+b") as file:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        print(view[4:7], view.find(b"three"), len(view))
    file.seek(0, 2); file.write(b"four\n"); file.truncate(10); file.flush(); os.fsync(file.fileno())
print(open("file.txt").read(), os.path.getsize("file.txt"))
for wrong in (lambda: open("nothing"), lambda: os.mkdir("sub"), lambda: os.rmdir("file.txt"), lambda: os.kill(999999, 0)):
    try:
        wrong()
    except OSError as error:
        print(type(error).__name__, errno.errorcode[error.errno], error.strerror)
shutil.copytree(".", "/tmp/copied", symlinks=True); print(sorted(os.listdir("/tmp/copied"))); shutil.rmtree("/tmp/copied")

print(subprocess.run(["cat"], input=b"piped", capture_output=True).stdout, subprocess.call("exit 3", shell=True))
print(subprocess.run(["sh", "-c", "kill -9 $$"]).returncode, subprocess.run(["echo", "x"], stdout=subprocess.PIPE, text=True).stdout.strip())
try:
    subprocess.run(["sleep", "10"], timeout=0.2)
except subprocess.TimeoutExpired as error:
    print("timed out", error.cmd)
ends = os.pipe()
child = os.fork()
if child == 0:
    os.write(ends[1], b"from the child")
    os._exit(9)
os.close(ends[1])
print(os.read(ends[0], 100), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(os.posix_spawn("/bin/echo", ["echo", "-n"], os.environ) > 0, os.wait()[1])

results, lock = [], threading.Lock()
def work(number):
    with lock:
        results.append(number * number)
threads = [threading.Thread(target=work, args=(i,)) for i in range(20)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
print(sum(results))
with ThreadPoolExecutor(4) as pool:
    print(list(pool.map(lambda x: x + 1, range(10))))
box, ready, barrier = queue.Queue(), threading.Event(), threading.Barrier(3)
threading.Thread(target=lambda: (ready.wait(), box.put("event"))).start()
ready.set(); print(box.get(timeout=60))
for i in range(2):
    threading.Thread(target=barrier.wait).start()
print(barrier.wait(60) in (0, 1, 2))

seen = []
signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
os.kill(os.getpid(), signal.SIGUSR1)
signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
signal.setitimer(signal.ITIMER_REAL, 0.05)
while len(seen) < 2:
    time.sleep(0.01)
print([signal.Signals(number).name for number in seen])
reader, writer = os.pipe()
print(select.select([reader], [], [], 0.01)[0]); os.write(writer, b"x"); print(select.select([reader], [writer], [], 1)[0] == [reader])
poller = select.poll(); poller.register(reader, select.POLLIN); print(poller.poll(100)[0][1] == select.POLLIN)

events = select.epoll(); events.register(reader, select.EPOLLIN); print(events.poll(1) == [(reader, select.EPOLLIN)])
with open("locked", "w") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    child = os.fork()
    if child == 0:
        try:
            fcntl.lockf(open("locked", "w"), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os._exit(8)
        os._exit(0)
    print("lock held by another", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
def square(number):
    return number * number
with multiprocessing.Pool(3) as processes:
    print(sum(processes.map(square, range(1000))))
mail = multiprocessing.Queue(); sender = multiprocessing.Process(target=mail.put, args=("from a process",))
sender.start(); print(mail.get()); sender.join(); print(sender.exitcode)

start = time.monotonic(); time.sleep(0.05); print(time.monotonic() - start >= 0.05, time.time() > 1e9, time.gmtime(0)[:6])
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 0, resource.getrusage(resource.RUSAGE_SELF).ru_utime >= 0, os.getcwd() == folder)
anonymous = mmap.mmap(-1, 1 << 20); anonymous[:5] = b"hello"; print(anonymous[:5], len(anonymous)); anonymous.close()
data = array.array("q", range(200000)); print(sum(data)); blocks = [bytearray(1 << 16) for _ in range(200)]; del blocks; gc.collect()
database = sqlite3.connect(":memory:")
database.execute("create table t (a, b)"); database.executemany("insert into t values (?, ?)", [(i, str(i)) for i in range(100)])
print(database.execute("select count(*), sum(a), max(b) from t where a > 50").fetchone())
print(len(os.urandom(16)), os.uname().sysname, os.getpid() > 1, os.getppid() > 0, len(os.sched_getaffinity(0)) > 0)
print(functools.reduce(lambda a, b: a * b, range(1, 10)), collections.Counter("mississippi").most_common(2), list(itertools.permutations("abc"))[3])
sys.stdout.flush(); sys.stderr.write("to standard error\n")
sys.exit(5)
