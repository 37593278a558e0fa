// SPDX-License-Identifier: MIT
/*
 * sysvipc.c - /proc/sysvipc: the objects of System V's interprocess communication.
 */
#include "sys/msg.h"
#include "sys/procfs/node.h"
#include "sys/procfs/system.h"
#include "sys/sem.h"
#include "sys/shm.h"

int show_sysvipc_shm(const struct proc_inode *inode, struct text *text)
{
    struct shmid64_ds s;
    uint64_t resident, swapped;
    int id;

    (void)inode;
    text_puts(text, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      "
                    "atime      dtime      ctime                   rss                  swap\n");
    for (int index = shm_tell_from(0, &s, &id, &resident, &swapped); index >= 0;
         index = shm_tell_from(index + 1, &s, &id, &resident, &swapped)) {
        text_printf(text, "%10d %10d  %4o %21lu %5u %5u  %5lu", s.shm_perm.key, id, s.shm_perm.mode, s.shm_segsz,
                    s.shm_cpid, s.shm_lpid, s.shm_nattch);
        text_printf(text, " %5u %5u %5u %5u %10lu %10lu %10lu %21lu %21lu\n", s.shm_perm.uid, s.shm_perm.gid,
                    s.shm_perm.cuid, s.shm_perm.cgid, s.shm_atime, s.shm_dtime, s.shm_ctime, resident * PAGE_SIZE,
                    swapped * PAGE_SIZE);
    }
    return 0;
}

int show_sysvipc_sem(const struct proc_inode *inode, struct text *text)
{
    struct semid64_ds s;
    int id;

    (void)inode;
    text_puts(text, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
    for (int index = sem_tell_from(0, &s, &id); index >= 0; index = sem_tell_from(index + 1, &s, &id))
        text_printf(text, "%10d %10d  %4o %10lu %5u %5u %5u %5u %10lu %10lu\n", s.sem_perm.key, id, s.sem_perm.mode, s.sem_nsems,
                    s.sem_perm.uid, s.sem_perm.gid, s.sem_perm.cuid, s.sem_perm.cgid, s.sem_otime, s.sem_ctime);
    return 0;
}

int show_sysvipc_msg(const struct proc_inode *inode, struct text *text)
{
    struct msqid64_ds s;
    int id;

    (void)inode;
    text_puts(text, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      "
                    "ctime\n");
    for (int index = msg_tell_from(0, &s, &id); index >= 0; index = msg_tell_from(index + 1, &s, &id)) {
        text_printf(text, "%10d %10d  %4o  %10lu %10lu %5u %5u", s.msg_perm.key, id, s.msg_perm.mode, s.msg_cbytes, s.msg_qnum,
                    s.msg_lspid, s.msg_lrpid);
        text_printf(text, " %5u %5u %5u %5u %10lu %10lu %10lu\n", s.msg_perm.uid, s.msg_perm.gid, s.msg_perm.cuid, s.msg_perm.cgid,
                    s.msg_stime, s.msg_rtime, s.msg_ctime);
    }
    return 0;
}
