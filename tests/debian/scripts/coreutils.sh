# SPDX-License-Identifier: MIT
# Each of the coreutils that a test can see something of. Sizes in blocks and times of change are left out: they are the
# file system's own.
set -u
cd /tmp && mkdir -p work/deep/er && cd work || exit

seq 1 20 > numbers
head -n 3 numbers; tail -n 2 numbers; tac numbers | head -n 1; wc -l numbers
sort -rn numbers | head -n 2; shuf -i 1-100 | sort -n | uniq | wc -l
printf 'b\na\nb\n' | sort | uniq -c
cut -c1 numbers | sort -u | tr '\n' ' '; echo
nl numbers | tail -n 1; paste -s -d, numbers; fold -w 5 <<< abcdefghij; fmt -w 20 <<< 'a few words to be broken'
join <(printf '1 a\n2 b\n') <(printf '1 x\n2 y\n'); comm -12 <(seq 5) <(seq 3 8)
split -l 8 numbers part. && ls part.* && csplit -s numbers 5 && wc -l xx00
expr 6 \* 7; factor 1001; numfmt --to=iec 1048576; printf '%s\n' 010 | numfmt
md5sum numbers; sha1sum numbers; sha256sum numbers; sha512sum numbers; b2sum numbers; cksum numbers; sum numbers
base64 numbers | head -n 1; base32 <<< x; od -An -tx1 <<< abc; basenc --base16 <<< q
cp numbers copy && cmp numbers copy 2> /dev/null; cp -a deep deeper && ls -R deeper
ln numbers hard && ln -s numbers soft && readlink soft && realpath --relative-to=/tmp soft && stat -c '%h %F %s %a' numbers soft
mv copy moved && test -f moved && echo moved
chmod 640 moved && stat -c %a moved; chmod u+x,g-r moved && stat -c '%A' moved
chown 1:2 moved && stat -c '%u %g' moved
touch -d '2001-02-03 04:05:06 UTC' moved && date -u -r moved; stat -c %Y moved
truncate -s 100 moved && stat -c %s moved; dd if=numbers of=block bs=10 count=2 skip=1 2> /dev/null && cat block; echo
mkfifo pipe && (echo through > pipe &) && cat pipe
mktemp -d /tmp/XXXXXX | wc -c
install -m 750 numbers installed && stat -c %a installed
ls -1; ls -l soft | cut -d' ' -f1; ls --color=never -F; ls -d /usr /bin
du -a --apparent-size deep | wc -l; df / > /dev/null && echo df; sync && echo synced
date -u -d @86400 '+%F %T %Z'; date -u -d '2024-02-29 +1 year' +%F
env -i A=b env; env FOO=bar printenv FOO; basename /a/b.c .c; dirname /a/b; pathchk ok && echo ok
id -u; id -g; uname -s -m; nproc > /dev/null && echo nproc; tty; hostid > /dev/null; logname 2> /dev/null || true
yes | head -n 2; seq -w 8 10; seq 1 0.5 2; echo | tee tee1 tee2 > /dev/null; ls tee?
timeout 0.2 sleep 10; echo "timeout $?"; (timeout --preserve-status -s KILL 0.2 sleep 10; exit $?) 2> /dev/null; echo "killed $?"
nice -n 5 nice; nohup echo nohup 2> /dev/null; stdbuf -oL echo buffered
test 3 -lt 4 -a -d deep && [ ! -e nothing ] && echo tested
tsort <<< 'a b b c'; ptx <<< 'one two' | wc -l; expand <<< $'a\tb'; unexpand -a <<< 'a       b'; pr -t -2 numbers | head -n 2
rmdir deep/er && rm -r deep deeper && ls | wc -l
cat nothing; rm nothing; ls nothing; mkdir numbers; rmdir numbers; cp deep1 x; ln numbers hard; chroot /nothing ls
echo "status $?"
dd if=/dev/zero bs=1M count=8 2> /dev/null | sha1sum
sort --parallel=4 -R numbers | sort -n | md5sum
seq 20000 | sort -r | sort -n | md5sum
