// SPDX-License-Identifier: MIT
/*
 * uts.h - what uname(2) says.
 */
#ifndef SYS_UTS_H
#define SYS_UTS_H

#include <linux/utsname.h>

#include "lib/types.h"

/* What programs ask for is Linux's interface; the release says which Linux, and whose kernel it is. */
#define UTS_SYSNAME "Linux"
#define UTS_RELEASE "6.1.0-gaur"
#define UTS_VERSION "#1 SMP Gaur"
#define UTS_MACHINE "x86_64"

/* Copies of the two names that can be changed, ended by zero. */
void uts_hostname(char out[__NEW_UTS_LEN + 1]);
void uts_domainname(char out[__NEW_UTS_LEN + 1]);

/* => `size` bytes in kernel memory, without an end; 0, -EINVAL (too long), -EPERM */
__must_check int uts_set_hostname(const char *name, size_t size);
__must_check int uts_set_domainname(const char *name, size_t size);

#endif
