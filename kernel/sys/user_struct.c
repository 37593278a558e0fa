// SPDX-License-Identifier: MIT
#include "sys/user_struct.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/usercopy.h"

/* => 0, -E2BIG, -EFAULT */
static int check_zero(vaddr_t address, size_t size)
{
    char part[64];

    for (size_t done = 0, n; done < size; done += n) {
        n = MIN(size - done, sizeof(part));
        if (copy_from_user(part, address + done, n))
            return -EFAULT;
        for (size_t i = 0; i < n; i++)
            if (part[i])
                return -E2BIG;
    }
    return 0;
}

int user_struct(void *to, size_t size, vaddr_t address, size_t user_size)
{
    size_t known = MIN(size, user_size);
    int error = check_zero(address + known, user_size - known);

    if (error)
        return error;
    memset(to, 0, size);
    return copy_from_user(to, address, known);
}
