// SPDX-License-Identifier: MIT
#ifndef WATCH_CHECK_H
#define WATCH_CHECK_H

#include "options.h"

/* For the tests: compare what is seen with what the guest's verify finds, and with itself, at many moments. => exit status */
int check_run(const struct options *options);

#endif
