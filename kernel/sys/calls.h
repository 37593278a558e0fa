// SPDX-License-Identifier: MIT
/*
 * calls.h - the system calls that are there, by the file that has them.
 *
 * Not a header in the usual sense: it is included with CALL(name) defined, and the names are Linux's (__NR_name).
 */

/* open.c */
CALL(open)
CALL(openat)
CALL(openat2)
CALL(creat)

/* file.c */
CALL(close)
CALL(lseek)
CALL(truncate)
CALL(ftruncate)
CALL(fallocate)
CALL(fadvise64)
CALL(readahead)
CALL(fsync)
CALL(fdatasync)
CALL(sync_file_range)
CALL(syncfs)
CALL(sync)

/* rw.c */
CALL(read)
CALL(write)

/* vector.c */
CALL(pread64)
CALL(pwrite64)
CALL(readv)
CALL(writev)
CALL(preadv)
CALL(pwritev)
CALL(preadv2)
CALL(pwritev2)

/* copy_range.c */
CALL(copy_file_range)

/* splice.c */
CALL(splice)
CALL(tee)
CALL(vmsplice)

/* sendfile.c */
CALL(sendfile)

/* descriptor.c */
CALL(dup)
CALL(dup2)
CALL(dup3)
CALL(close_range)
CALL(fcntl)
CALL(ioctl)
CALL(pipe)
CALL(pipe2)

/* lock.c */
CALL(flock)

/* socket.c */
CALL(socket)
CALL(socketpair)
CALL(bind)
CALL(listen)
CALL(accept)
CALL(accept4)
CALL(connect)
CALL(shutdown)
CALL(getsockname)
CALL(getpeername)
CALL(setsockopt)
CALL(getsockopt)

/* socket_message.c */
CALL(sendto)
CALL(recvfrom)
CALL(sendmsg)
CALL(recvmsg)
CALL(sendmmsg)
CALL(recvmmsg)

/* dir.c */
CALL(mkdir)
CALL(mkdirat)
CALL(mknod)
CALL(mknodat)
CALL(rmdir)
CALL(unlink)
CALL(unlinkat)
CALL(link)
CALL(linkat)
CALL(symlink)
CALL(symlinkat)
CALL(rename)
CALL(renameat)
CALL(renameat2)
CALL(readlink)
CALL(readlinkat)
CALL(getcwd)
CALL(chdir)
CALL(fchdir)
CALL(chroot)

/* getdents.c */
CALL(getdents)
CALL(getdents64)

/* stat.c */
CALL(stat)
CALL(lstat)
CALL(fstat)
CALL(newfstatat)
CALL(statx)
CALL(access)
CALL(faccessat)
CALL(faccessat2)
CALL(statfs)
CALL(fstatfs)

/* attr.c */
CALL(umask)
CALL(chmod)
CALL(fchmod)
CALL(fchmodat)
CALL(chown)
CALL(lchown)
CALL(fchown)
CALL(fchownat)
CALL(utime)
CALL(utimes)
CALL(futimesat)
CALL(utimensat)

/* xattr.c */
CALL(setxattr)
CALL(lsetxattr)
CALL(fsetxattr)
CALL(getxattr)
CALL(lgetxattr)
CALL(fgetxattr)
CALL(listxattr)
CALL(llistxattr)
CALL(flistxattr)
CALL(removexattr)
CALL(lremovexattr)
CALL(fremovexattr)

/* poll.c */
CALL(poll)
CALL(ppoll)

/* select.c */
CALL(select)
CALL(pselect6)

/* epoll.c */
CALL(epoll_create)
CALL(epoll_create1)
CALL(epoll_ctl)
CALL(epoll_wait)
CALL(epoll_pwait)
CALL(epoll_pwait2)

/* event.c */
CALL(eventfd)
CALL(eventfd2)
CALL(timerfd_create)
CALL(timerfd_settime)
CALL(timerfd_gettime)
CALL(signalfd)
CALL(signalfd4)

/* memfd.c */
CALL(memfd_create)

/* memory.c */
CALL(brk)
CALL(mmap)
CALL(munmap)
CALL(mprotect)
CALL(mremap)

/* memory_lock.c */
CALL(mlock)
CALL(mlock2)
CALL(munlock)
CALL(mlockall)
CALL(munlockall)

/* memory_advice.c */
CALL(madvise)
CALL(msync)
CALL(mincore)
CALL(membarrier)

/* process_vm.c */
CALL(process_vm_readv)
CALL(process_vm_writev)

/* shm.c */
CALL(shmget)
CALL(shmat)
CALL(shmdt)
CALL(shmctl)

/* sem.c */
CALL(semop)
CALL(semtimedop)

/* sem_control.c */
CALL(semget)
CALL(semctl)

/* msg.c */
CALL(msgget)
CALL(msgsnd)
CALL(msgrcv)
CALL(msgctl)

/* process.c */
CALL(fork)
CALL(vfork)
CALL(clone)
CALL(clone3)
CALL(execve)
CALL(execveat)
CALL(exit)
CALL(exit_group)
CALL(set_tid_address)
CALL(set_robust_list)

/* pidfd.c */
CALL(pidfd_open)
CALL(pidfd_send_signal)

/* wait.c */
CALL(wait4)
CALL(waitid)

/* control.c */
CALL(arch_prctl)
CALL(prctl)
CALL(personality)
CALL(get_robust_list)

/* futex.c */
CALL(futex)

/* sched.c */
CALL(sched_yield)
CALL(sched_getaffinity)
CALL(sched_setaffinity)
CALL(getpriority)
CALL(setpriority)
CALL(getcpu)

/* sched_policy.c */
CALL(sched_get_priority_max)
CALL(sched_get_priority_min)
CALL(sched_getscheduler)
CALL(sched_setscheduler)
CALL(sched_getparam)
CALL(sched_setparam)
CALL(sched_getattr)
CALL(sched_setattr)
CALL(sched_rr_get_interval)

/* ioprio.c */
CALL(ioprio_get)
CALL(ioprio_set)

/* signal.c */
CALL(rt_sigaction)
CALL(rt_sigprocmask)
CALL(rt_sigpending)
CALL(rt_sigsuspend)
CALL(rt_sigtimedwait)
CALL(rt_sigqueueinfo)
CALL(rt_tgsigqueueinfo)
CALL(rt_sigreturn)
CALL(sigaltstack)
CALL(pause)
CALL(kill)
CALL(tkill)
CALL(tgkill)
CALL(restart_syscall)

/* clock.c */
CALL(time)
CALL(gettimeofday)
CALL(settimeofday)
CALL(clock_gettime)
CALL(clock_settime)
CALL(clock_getres)
CALL(times)

/* adjtime.c */
CALL(adjtimex)
CALL(clock_adjtime)

/* timer.c */
CALL(timer_create)
CALL(timer_settime)
CALL(timer_gettime)
CALL(timer_getoverrun)
CALL(timer_delete)

/* sleep.c */
CALL(nanosleep)
CALL(clock_nanosleep)
CALL(alarm)
CALL(getitimer)
CALL(setitimer)

/* identity.c */
CALL(getpid)
CALL(gettid)
CALL(getppid)
CALL(getpgrp)
CALL(getpgid)
CALL(setpgid)
CALL(getsid)
CALL(setsid)

/* user.c */
CALL(getuid)
CALL(geteuid)
CALL(getgid)
CALL(getegid)
CALL(setuid)
CALL(setgid)
CALL(setreuid)
CALL(setregid)
CALL(setresuid)
CALL(getresuid)
CALL(setresgid)
CALL(getresgid)
CALL(setfsuid)
CALL(setfsgid)
CALL(getgroups)
CALL(setgroups)

/* capability.c */
CALL(capget)
CALL(capset)

/* uts.c */
CALL(uname)
CALL(sethostname)
CALL(setdomainname)

/* info.c */
CALL(sysinfo)
CALL(reboot)
CALL(getrandom)

/* syslog.c */
CALL(syslog)

/* limit.c */
CALL(getrlimit)
CALL(setrlimit)
CALL(prlimit64)
CALL(getrusage)

/* swap.c */
CALL(swapon)
CALL(swapoff)

/* mount.c */
CALL(mount)
CALL(umount2)
