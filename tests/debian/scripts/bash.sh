# SPDX-License-Identifier: MIT
# bash itself: arrays, functions, substitutions, redirections, pipelines, traps, jobs.
set -u
echo "${BASH_VERSION%%(*}" "$0" "$#"

fruits=(apple "big banana" cherry)
fruits+=(date)
echo "${#fruits[@]} ${fruits[1]} ${fruits[@]:2}"
declare -A color=([apple]=red [banana]=yellow)
for key in apple banana; do printf '%-8s|%s\n' "$key" "${color[$key]}"; done

factorial() { local n=$1; if ((n <= 1)); then echo 1; else echo $((n * $(factorial $((n - 1))))); fi; }
factorial 10
word=substitution
echo "${word^^} ${word/ti/TI} ${word%tion} ${#word} ${word:3:5}"
[[ 2026-11-27 =~ ^([0-9]+)-([0-9]+) ]] && echo "${BASH_REMATCH[2]}/${BASH_REMATCH[1]}"
case $word in *stit*) echo matched ;; esac
echo {a..e}{1,2}

while read -r line; do echo "<$line>"; done < <(printf 'one\ntwo\n')
cat <<end | tr a-z A-Z
here $((6 * 7))
end
cat <<< "a string"
exec 7> /tmp/seven
echo to seven >&7
exec 7>&-
cat /tmp/seven
{ echo out; echo err >&2; } 2>&1 | sort
false | true
echo "status ${PIPESTATUS[*]}"
echo "sub: $(echo inner; exit 3)" "status $?"

trap 'echo "got USR1"' USR1
kill -USR1 $$
trap 'echo bye' EXIT
(sleep 0.1; exit 5) &
wait $!
echo "waited: $?"
for i in 1 2 3; do (exit $i) & done
wait
coproc cat
echo "through a coprocess" >&"${COPROC[1]}"
read -r answer <&"${COPROC[0]}"
echo "$answer"
eval "exec ${COPROC[1]}>&-"
wait
bash -c 'kill -TERM $$'
echo "killed: $?"
bash -c 'exec -a other bash -c "echo \$0"' 2>&1
nosuchcommand 2>&1
echo "status $?"
printf '%q %05d %x %s\n' 'a b' 42 255 end
ulimit -n 100 && ulimit -n
umask 027; umask
cd /usr/lib && pwd && cd - > /dev/null && pwd
set -- x y z; shift; echo "$*"
mapfile -t lines < /suite/lines; echo "${#lines[@]} ${lines[2]}"
echo "sum: $(for ((i = 0; i < 1000; i++)); do echo $i; done | { s=0; while read -r n; do ((s += n)); done; echo $s; })"
