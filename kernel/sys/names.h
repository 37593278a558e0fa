// SPDX-License-Identifier: MIT
/*
 * names.h - the name of every Linux x86-64 system call that is not in calls.h, so that /proc/gaur/missing can say what a
 * program wanted.
 *
 * Included with NAME(name) defined; the numbers are <asm/unistd.h>'s __NR_name.
 */
NAME(semget) NAME(semop) NAME(semctl) NAME(msgget) NAME(msgsnd) NAME(msgrcv) NAME(msgctl) NAME(ptrace)
NAME(uselib) NAME(ustat) NAME(sysfs) NAME(vhangup) NAME(modify_ldt) NAME(pivot_root) NAME(_sysctl)
NAME(acct) NAME(iopl) NAME(ioperm) NAME(create_module) NAME(init_module) NAME(delete_module)
NAME(get_kernel_syms) NAME(query_module) NAME(quotactl) NAME(nfsservctl) NAME(getpmsg) NAME(putpmsg)
NAME(afs_syscall) NAME(tuxcall) NAME(security) NAME(set_thread_area) NAME(io_setup) NAME(io_destroy)
NAME(io_getevents) NAME(io_submit) NAME(io_cancel) NAME(get_thread_area) NAME(lookup_dcookie)
NAME(epoll_ctl_old) NAME(epoll_wait_old) NAME(remap_file_pages) NAME(semtimedop) NAME(vserver) NAME(mbind)
NAME(set_mempolicy) NAME(get_mempolicy) NAME(mq_open) NAME(mq_unlink) NAME(mq_timedsend)
NAME(mq_timedreceive) NAME(mq_notify) NAME(mq_getsetattr) NAME(kexec_load) NAME(add_key) NAME(request_key)
NAME(keyctl) NAME(inotify_init) NAME(inotify_add_watch) NAME(inotify_rm_watch) NAME(migrate_pages)
NAME(unshare) NAME(move_pages) NAME(inotify_init1) NAME(perf_event_open) NAME(fanotify_init)
NAME(fanotify_mark) NAME(name_to_handle_at) NAME(open_by_handle_at) NAME(setns) NAME(kcmp)
NAME(finit_module) NAME(seccomp) NAME(kexec_file_load) NAME(bpf) NAME(userfaultfd) NAME(pkey_mprotect)
NAME(pkey_alloc) NAME(pkey_free) NAME(io_pgetevents) NAME(rseq) NAME(io_uring_setup) NAME(io_uring_enter)
NAME(io_uring_register) NAME(open_tree) NAME(move_mount) NAME(fsopen) NAME(fsconfig) NAME(fsmount)
NAME(fspick) NAME(pidfd_getfd) NAME(process_madvise) NAME(mount_setattr) NAME(quotactl_fd)
NAME(landlock_create_ruleset) NAME(landlock_add_rule) NAME(landlock_restrict_self) NAME(memfd_secret)
NAME(process_mrelease) NAME(futex_waitv) NAME(set_mempolicy_home_node)
