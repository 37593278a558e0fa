// SPDX-License-Identifier: MIT
/*
 * abi.h - numbers and structures of socket(2), recvmsg(2), cmsg(3) and unix(7) that no UAPI header has.
 */
#ifndef FS_UNIX_ABI_H
#define FS_UNIX_ABI_H

#include <asm/socket.h>
#include <linux/un.h>

#include "lib/types.h"

#define AF_UNSPEC 0
#define AF_UNIX   1
#define AF_MAX    46

enum { SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_SEQPACKET = 5, SOCK_MAX = 11 };

#define SOCK_TYPE_MASK 0xfu
#define SOCK_NONBLOCK  04000u       // O_NONBLOCK
#define SOCK_CLOEXEC   02000000u    // O_CLOEXEC

#define MSG_OOB          0x1u
#define MSG_PEEK         0x2u
#define MSG_CTRUNC       0x8u
#define MSG_TRUNC        0x20u
#define MSG_DONTWAIT     0x40u
#define MSG_WAITALL      0x100u
#define MSG_ERRQUEUE     0x2000u
#define MSG_NOSIGNAL     0x4000u
#define MSG_WAITFORONE   0x10000u
#define MSG_CMSG_CLOEXEC 0x40000000u

#define SCM_RIGHTS      1
#define SCM_CREDENTIALS 2
#define SCM_MAX_FD      253         // descriptors in one message

#define SOMAXCONN 4096u

// Of SO_PEERCRED and SCM_CREDENTIALS.
struct ucred {
    int32_t pid;
    uint32_t uid, gid;
};

// The largest address that a program may give: a whole struct sockaddr_storage.
#define ADDRESS_MAX 128u

#endif
