// SPDX-License-Identifier: MIT
/*
 * dynamic.c - what a dynamic loader gives a program: relocations, constructors, thread-local storage, lazy binding,
 * libraries that are opened later, the auxiliary vector. Built with glibc (at random and at fixed addresses) and with musl.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

static int order;
static __thread int mine = 42;
static char zeros[3 * 4096 + 123];

__attribute__((constructor)) static void before(void)
{
    order = 1;
}

__attribute__((destructor)) static void after(void)
{
    printf("destructor\n");
    fflush(stdout);
}

static void *thread(void *argument)
{
    mine += *(int *)argument;
    return (void *)(long)mine;
}

static int count_object(struct dl_phdr_info *info, size_t size, void *count)
{
    (void)size;
    *(int *)count += info->dlpi_phnum > 0;
    return 0;
}

int main(int argc, char **argv)
{
    extern char etext[];
    int more = 8, objects = 0;
    pthread_t id;
    void *result;
    struct timespec now;

    printf("arguments %d %s, constructor %d\n", argc, argv[1], order);
    for (size_t i = 0; i < sizeof zeros; i++) {
        if (zeros[i])
            printf("byte %zu is not zero\n", i);
    }
    pthread_create(&id, NULL, thread, &more);
    pthread_join(id, &result);
    printf("thread-local %ld %d\n", (long)result, mine);

    const ElfW(Ehdr) *loader = (void *)getauxval(AT_BASE), *vdso = (void *)getauxval(AT_SYSINFO_EHDR);
    const ElfW(Phdr) *headers = (void *)getauxval(AT_PHDR);
    printf("loader %d, vdso %d, headers %d, entry %d\n", loader && !memcmp(loader->e_ident, ELFMAG, 4) && loader->e_type == ET_DYN,
           vdso && !memcmp(vdso->e_ident, ELFMAG, 4), headers && headers->p_type == PT_PHDR,
           getauxval(AT_ENTRY) < (unsigned long)etext);
    printf("name %s, secure %lu, ids %d\n", (char *)getauxval(AT_EXECFN), getauxval(AT_SECURE),
           getauxval(AT_UID) == getuid() && getauxval(AT_EGID) == getegid());
    dl_iterate_phdr(count_object, &objects);
    printf("objects %d, clock %d\n", objects >= 2, clock_gettime(CLOCK_MONOTONIC, &now) == 0);

    void *library = argc > 2 ? dlopen(argv[2], RTLD_NOW) : NULL;
    double (*cosine)(double) = library ? (double (*)(double))dlsym(library, "cos") : NULL;
    if (library)
        printf("cosine %.3f\n", cosine ? cosine(0) : -1);
    printf("missing %d\n", dlopen("/no/such/library.so", RTLD_NOW) == NULL && dlerror() != NULL);
    return 6;
}
