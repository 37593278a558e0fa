# SPDX-License-Identifier: MIT
# A long walk through the shell and its tools. Prints the same on every kernel: shell.t runs it here and on Gaur,
# and compares what each "== NAME" section printed. Works in a folder of its own, given as $1.

here=$1
mkdir -p "$here" && cd "$here" || exit 99
section() { echo "== $1"; }

section variables
a=1 b='two words' c="$((3 * 7)) and $(echo sub)"
echo "$a|$b|$c|${a:-x}|${none:-default}|${b#two }|${b%words}|${#b}"
set -- x 'y z' ''
echo "$#:$1:$2:$3:$*"
for word in "$@"; do echo "<$word>"; done
shift
echo "$#:$1"
unset a
echo "${a-unset}"
readonly fixed=5
(fixed=6) 2>/dev/null || echo "readonly holds"

section arithmetic
i=0 sum=0
while [ $i -lt 100 ]; do
    i=$((i + 1))
    [ $((i % 2)) -eq 0 ] && continue
    sum=$((sum + i))
done
echo $sum $((1 << 20)) $((0x7fffffffffffffff)) $((-7 / 2)) $((-7 % 3)) $((5 > 3 && 2 > 1))

section functions
factorial() {
    if [ "$1" -le 1 ]; then
        echo 1
    else
        echo $(($1 * $(factorial $(($1 - 1)))))
    fi
}
factorial 10
local_test() { local v=inner; v2=outer; echo $v; return 3; }
v=kept
local_test
echo $? $v $v2
fib() { [ $1 -lt 2 ] && { echo $1; return; }; echo $(($(fib $(($1 - 1))) + $(fib $(($1 - 2))))); }
fib 8

section case
for value in apple 42 '' a.c 'x y'; do
    case $value in
    [0-9]*) echo "$value: number" ;;
    *.c) echo "$value: source" ;;
    a*) echo "$value: starts with a" ;;
    '') echo "empty" ;;
    *) echo "$value: other" ;;
    esac
done

section here-documents
name=world
cat <<END
hello $name, $((1 + 1))
  indented \$name
END
cat <<'END'
literal $name
END
cat <<-END
	tab gone
	END
wc -l <<END
one
two
END

section redirection
echo first > file
echo second >> file
cat < file
{ echo out; echo err >&2; } > both 2>&1
cat both
ls nonexistent 2>/dev/null || echo "status $?"
exec 5> fifth
echo through five >&5
exec 5>&-
cat fifth
: > emptied
wc -c < emptied
echo noclobber > once
(set -C; echo no > once) 2>/dev/null || echo refused
read line < file
echo "$line"

section pipes
seq 1 1000 | tail -n 3
echo one two three | tr ' ' '\n' | sort -r | head -n 2
seq 1 5000 | wc -c
yes | head -n 3
true | false | true
echo "status $?"
seq 1 20 | while read n; do [ "$n" -gt 17 ] && echo "$n"; done
seq 1 2000 | cat | cat | cat | cat | md5sum

section jobs
(sleep 0.2; exit 4) &
wait $!
echo "waited $?"
for n in 1 2 3 4 5; do (exit $n) & done
wait
echo "all done"
(echo from a subshell; exit 7)
echo $?
sh -c 'kill -TERM $$'
echo "signal $(($? - 128))"

section traps
(trap 'echo leaving' EXIT; echo inside)
(trap 'echo got usr1' USR1; kill -USR1 $(sh -c 'echo $PPID'); echo after)
sh -c 'trap "" TERM; kill -TERM $$; echo survived'

section files
mkdir -p d/e/f
echo data > d/e/f/g
cp -r d copy
mv copy/e/f/g copy/h
ln copy/h copy/hard
ln -s h copy/soft
cat copy/soft copy/hard
echo more >> copy/hard
cat copy/h
[ copy/h -ef copy/hard ] && echo "same file"
readlink copy/soft
find . -type f | sort
find . -name 'h*' -type f | sort | xargs wc -c | tail -n 1
find . -type f -exec cat {} + | wc -l
chmod 640 file
stat -c '%a %s' file
touch -d '2001-02-03 04:05:06' file
stat -c %y file | cut -c1-19
rm -r copy
[ -e copy ] || echo removed
rmdir d 2>/dev/null || echo "not empty"
truncate -s 10000 sparse
stat -c %s sparse
tr '\0' x < sparse | wc -c
du -a d | wc -l
cd d/e && pwd | sed 's,.*/d/,d/,' && cd ../..
mkfifo queue
(echo via fifo > queue) &
cat queue
wait

section text
printf '%s\n' pear apple fig apple Kiwi > fruits
sort fruits
sort -u fruits | wc -l
sort fruits | uniq -c | sort -rn | head -n 1
grep -n ap fruits
grep -c -v a fruits
grep -iE '^(k|f)' fruits
grep -q nothing fruits || echo "no match"
sed -n '2,3p' fruits
sed -e 's/a/A/g' -e '/fig/d' fruits
sed -i 's/pear/plum/' fruits
head -n 1 fruits
cut -c1-2 fruits | paste -s -d,
printf 'a:1\nb:2\n' | cut -d: -f2
tr a-z A-Z < fruits | tail -n 1
rev fruits | head -n 2
printf '%05d|%-5s|%x|%c\n' 42 ab 255 z
expr 6 \* 7
basename /a/b.c .c
dirname /a/b.c
echo 'diff:'
sort fruits > sorted
diff fruits sorted
cmp fruits sorted || true

section awk
seq 1 100 | awk '{ s += $1 } END { print s, NR, s / NR }'
printf 'x 1\ny 2\nx 3\n' | awk '{ t[$1] += $2 } END { for (k in t) print k, t[k] }' | sort
awk 'BEGIN { for (i = 0; i < 5; i++) printf "%d^2=%d ", i, i * i; print ""; print substr("hello", 2, 3), length("four") }'
awk 'BEGIN { printf "%.6f %.3e\n", atan2(0, -1), exp(10) }'
awk -F: '/root/ { print $1, $3 }' <<END
root:x:0:
user:x:1:
END

section archives
mkdir -p tree/sub
seq 1 3000 > tree/numbers
echo deep > tree/sub/leaf
ln -s numbers tree/link
tar cf tree.tar tree
tar tf tree.tar | sort
gzip -c tree.tar > tree.tar.gz
gzip -t tree.tar.gz && echo "gzip is fine"
mkdir out
gunzip -c tree.tar.gz | tar xf - -C out
diff -r tree out/tree && echo identical
readlink out/tree/link
tar czf - tree | tar xzOf - tree/sub/leaf
md5sum tree/numbers | cut -d' ' -f1
sha256sum < tree/numbers | cut -d' ' -f1
bzip2 -c tree.tar | bunzip2 | cmp - tree.tar && echo "bzip2 is fine"
find tree | sort | cpio -o -H newc 2>/dev/null | cpio -t 2>/dev/null | wc -l
dd if=tree/numbers bs=1000 skip=2 count=1 2>/dev/null | wc -c
od -An -tx1 -N8 tree/numbers

section 'many processes'
n=0
while [ $n -lt 100 ]; do
    n=$((n + 1))
    /bin/true || echo "true failed"
done
echo $n
echo "$(for k in 1 2 3 4 5 6 7 8 9 10; do echo $(echo $(echo $k)); done)" | paste -s -d' '
seq 1 30 | xargs -n 1 echo | wc -l
seq 1 12 | xargs -n 5 echo

section 'a script'
cat > script <<'END'
#!/bin/sh
echo "$(basename "$0") got $# arguments: $*"
exit ${1:-0}
END
chmod +x script
./script 5 b
echo $?
sh -e -c 'false; echo not reached'
echo $?
eval 'echo evaluated $((2 + 2))'
set -- 6
. ./script
echo not reached
