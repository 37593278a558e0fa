// SPDX-License-Identifier: MIT
#include "mm/usercopy.h"

#include "arch/x86/layout.h"
#include "arch/x86/user_copy.h"
#include "lib/checked.h"
#include "lib/errno.h"
#include "lib/kasan.h"

/* A user address as the pointer that arch's functions take. */
static void *user_pointer(vaddr_t va)
{
    return (void *)(uintptr_t)va;
}

/* The part of [base, base + n) that lies below USER_END. */
static size_t user_part(vaddr_t base, size_t n)
{
    return base >= USER_END ? 0 : MIN(n, USER_END - base);
}

size_t copy_to_user_partial(vaddr_t dst, const void *src, size_t n)
{
    size_t part = user_part(dst, n);

    kasan_check_read(src, part);
    return part - user_copy_raw(user_pointer(dst), src, part);
}

size_t copy_from_user_partial(void *dst, vaddr_t src, size_t n)
{
    size_t part = user_part(src, n);

    kasan_check_write(dst, part);
    return part - user_copy_raw(dst, user_pointer(src), part);
}

size_t clear_user_partial(vaddr_t dst, size_t n)
{
    size_t part = user_part(dst, n);

    return part - user_zero_raw(user_pointer(dst), part);
}

int copy_to_user(vaddr_t dst, const void *src, size_t n)
{
    if (!range_within(dst, n, USER_END))
        return -EFAULT;
    kasan_check_read(src, n);
    return user_copy_raw(user_pointer(dst), src, n) ? -EFAULT : 0;
}

int copy_from_user(void *dst, vaddr_t src, size_t n)
{
    if (!range_within(src, n, USER_END))
        return -EFAULT;
    kasan_check_write(dst, n);
    return user_copy_raw(dst, user_pointer(src), n) ? -EFAULT : 0;
}

int clear_user(vaddr_t dst, size_t n)
{
    if (!range_within(dst, n, USER_END))
        return -EFAULT;
    return user_zero_raw(user_pointer(dst), n) ? -EFAULT : 0;
}

int64_t strncpy_from_user(char *dst, vaddr_t src, size_t size)
{
    size_t part = user_part(src, size);
    if (part == 0)
        return size ? -EFAULT : -ENAMETOOLONG;
    kasan_check_write(dst, part);
    int64_t length = user_strncpy_raw(dst, user_pointer(src), part);
    if (length < 0)
        return length;
    if ((size_t)length < part)
        return length;
    /* No end within the part: the string was too long, or it ran into the end of user addresses. */
    return part < size ? -EFAULT : -ENAMETOOLONG;
}

/* Words may lie at any address; the single-access functions of arch want aligned ones. */
int get_user_u32(uint32_t *value, vaddr_t src)
{
    return copy_from_user(value, src, sizeof *value);
}

int get_user_u64(uint64_t *value, vaddr_t src)
{
    return copy_from_user(value, src, sizeof *value);
}

int put_user_u32(vaddr_t dst, uint32_t value)
{
    return copy_to_user(dst, &value, sizeof value);
}

int put_user_u64(vaddr_t dst, uint64_t value)
{
    return copy_to_user(dst, &value, sizeof value);
}
