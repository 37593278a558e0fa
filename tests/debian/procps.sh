#!/bin/bash
# SPDX-License-Identifier: MIT
# What procps, psmisc and lsof say of a family of processes. The same on Gaur and on Linux. A line "== NAME" goes before what
# each printed.
[ "${SUITE-}" ] || exec env -i SUITE=1 PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C TZ=UTC TERM=dumb COLUMNS=200 \
    /bin/bash "$0"
cd / || exit
exec 2>&1

# Numbers of processes that are not to be taken for anything else.
for _ in {1..150}; do :& done; wait
/suite/family > /tmp/ready < /dev/null 2> /tmp/errors &
parent=$!
disown # its end is not to be told
until [ -s /tmp/ready ]; do sleep 0.05; done
zombie=$(pgrep -P $parent | head -n 1)
stopped=$(pgrep -P $parent | tail -n 1)
family="$parent,$zombie,$stopped"

# Numbers of processes as letters; any other number as N; runs of spaces as one.
letters() { sed -E "s/\b$parent\b/P/g; s/\b$zombie\b/Z/g; s/\b$stopped\b/S/g"; }
numbers() { sed -E 's/[0-9]+([.:][0-9]+)*/N/g; s/([:,])N/\1 N/g'; }
spaces() { sed -E 's/[ \t]+/ /g; s/ $//'; }

section() { echo "== $1"; }

section ps-aux
ps aux | head -n 1 | spaces
ps aux | awk -v p=$parent -v z=$zombie -v s=$stopped '$2 == p || $2 == z || $2 == s {
    print $1, ($3 + 0 < 100), ($5 > 0), ($6 > 0), ($6 <= $5), $7, $8, $10, $11, $12, $13, $14, NF }'
section ps-ef
ps -ef | head -n 1 | spaces
ps -f -p $family | letters | awk -v b=$$ 'NR > 1 { print $1, $2, ($3 == b ? "B" : $3), $6, $8, $9, $10, $11 }'
section ps-relations
ps -o pid,ppid,pgid,sid,tty,tpgid,stat,ni,pri,cls,policy,rtprio,nlwp,user,euid,ruid,fuid,gid,args -p $family | letters |
    awk -v b=$$ 'NR > 1 { $3 = $4 = $6 = "" } $2 == b { $2 = "B" } { print }' | spaces
section ps-signals
ps -o pid,caught,ignored,blocked,pending -p $parent,$stopped | letters | spaces
section ps-long
ps -l -p $family | letters | awk -v b=$$ 'NR == 1 { print } NR > 1 { print $2, $3, $4, ($5 == b ? "B" : $5), $7, $8, ($10 > 0), $13, $14, $15 }' | spaces
section ps-times
ps -o pid,etimes,cputimes,time -p $family | letters | awk 'NR > 1 { print $1, ($2 < 240), ($3 < 60), NF }'
started=$(ps -o lstart= -p $parent)
[ $(($(date +%s) - $(date -d "$started" +%s))) -lt 300 ] && echo started at the right time
section ps-threads
ps -eLf | head -n 1 | spaces
ps -L -o pid,nlwp,stat,comm,policy -p $parent | letters | spaces
section ps-places
ps -o pid,wchan:30 -p $parent | awk 'NR > 1 { print ($2 ~ /^[a-z_0-9]+$/) }'
ps -o psr= -p $parent | awk '{ print ($1 < 64) }'
section pgrep
pgrep -c -f suite/family
pgrep -x family | wc -l
pgrep -u nobody -l | letters
pgrep -r Z | letters
section pwdx
pwdx $parent $stopped | letters
section pmap
pmap $parent | sed -n '1p' | letters
pmap -x $parent | sed -n '2p' | spaces
pmap $parent | grep -E 'family|stack' | awk '{ print $3, $4, $5, $6, ($2 + 0 > 0) }'
pmap $parent | tail -n 1 | numbers | spaces
section free
free | numbers | spaces
free -b | awk '/Mem/ { print ($2 >= $4 + $6), ($7 <= $2), ($4 > 0) }'
section uptime
uptime | sed -E 's/up .*,  load/up, load/' | numbers | spaces
section top
top -b -n 1 -p $family | head -n 5 | sed -E 's/up .*,  load/up, load/' | numbers | spaces
top -b -n 1 -p $family | sed -n 7p | spaces
top -b -n 1 -p $family | tail -n +8 | letters | awk '{ print $1, $2, $3, $4, ($5 >= $6), ($6 >= $7), $8, $12, $13 }' | sort
section top-threads
top -H -b -n 1 -p $parent | sed -n '2p;7p' | spaces
top -H -b -n 1 -p $parent | tail -n +8 | awk '{ print $4, $8, $12 }'
section vmstat
vmstat | head -n 2 | spaces
vmstat | tail -n 1 | awk '{ print NF, ($13 + $14 + $15 + $16 + $17 >= 98) }'
vmstat -s | sed -E 's/^ *[0-9]+ //' | head -n 10
section pstree
pstree $parent
pstree -p $parent | letters | numbers | spaces
pstree -a $parent
pstree -u $parent
section fuser
fuser -v /tmp/both 2>&1 | grep -E '^(/tmp| )' | sed -E 's/^ *[0-9 ]*//' | letters | spaces
fuser /tmp/written 2> /dev/null | letters | spaces; echo
section killall
killall -0 family; echo $?
killall -v -s CONT nothing-such; echo $?
section lsof
lsof -p $parent | head -n 1 | spaces
lsof -a -p $parent -d '^mem' | awk 'NR > 1 { print $1, $3, $4, $5, $NF }' | sed -E 's/pipe:?.*|[0-9]+$/pipe/' | spaces
lsof -F cuftan -p $parent | grep -v '^p' | grep -v pipe | grep -v -e Linux -e hostio | head -n 40
section lsof-file
lsof -t /tmp/both | letters
lsof -o -a -p $parent -d 4 | awk 'NR > 1 { print $4, $5, $7 }'
lsof /tmp/both | awk 'NR > 1 { print $1, $4, $5, $7, $9 }'
section mount
mount -t proc | spaces | sed -E 's/^[^ ]+ //; s/,relatime|nosuid,|nodev,|noexec,//g'
section sysctl
sysctl -n kernel.ostype kernel.ngroups_max kernel.cap_last_cap vm.overcommit_memory
section tload-slabtop
slabtop -o | sed -n 7p | spaces
section end-of-the-family
kill -KILL $stopped $parent
while kill -0 $parent 2> /dev/null; do sleep 0.05; done
ps -o pid= -p $parent | wc -l

for what in verify missing; do
    [ -r /proc/gaur/$what ] && while read -r line; do echo "== $what $line"; done < /proc/gaur/$what
done
echo '== end'
