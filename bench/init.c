// SPDX-License-Identifier: MIT
/*
 * init.c - the first process when tools/bench/ boots a kernel, Gaur or Linux: runs one program, tells how it went.
 *
 * Its very first instruction reads the time-stamp counter: the time from reset to there is a row. To the second serial
 * port go the line "first N", the program's output, and "exit N" or "signal N". The file /bench/arguments has the
 * program's path and its arguments, each ended by a NUL byte. Linux's drivers of disks are modules, beside it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define ARGUMENTS "/bench/arguments"
#define MOST_ARGUMENTS 200

uint64_t first_tsc;

/* The program's entry: then on to the C library's. RDX is 0 there, by the ABI. */
__asm__(".globl first_instruction\n"
        "first_instruction:\n"
        "    rdtsc\n"
        "    shl $32, %rdx\n"
        "    or %rdx, %rax\n"
        "    mov %rax, first_tsc(%rip)\n"
        "    xor %edx, %edx\n"
        "    jmp _start\n");

/* The second serial port, as it is called on Gaur and on Linux, made to pass bytes as they are. */
static int port_open(void)
{
    struct termios raw;
    int fd = open("/dev/hostio", O_WRONLY | O_CLOEXEC | O_NOCTTY);

    if (fd >= 0)
        return fd;
    fd = open("/dev/ttyS1", O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0 && tcgetattr(fd, &raw) == 0) {
        cfmakeraw(&raw);
        tcsetattr(fd, TCSANOW, &raw);
    }
    return fd;
}

/* Those that are there, each after those that it needs. */
static void modules_load(void)
{
    static const char *const names[] = {"virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk"};
    char path[64];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "/bench/%s.ko", names[i]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && syscall(SYS_finit_module, fd, "", 0) < 0)
            perror(path);
        if (fd >= 0)
            close(fd);
    }
}

/* What is to run, from the file; the strings stay in `text`. */
static void arguments_read(char *text, size_t size, char **argv)
{
    int fd = open(ARGUMENTS, O_RDONLY | O_CLOEXEC), count = 0;
    ssize_t length = fd < 0 ? 0 : read(fd, text, size - 1);

    text[length < 0 ? 0 : length] = '\0';
    for (char *word = text; word < text + length && count < MOST_ARGUMENTS; word += strlen(word) + 1)
        argv[count++] = word;
    argv[count] = NULL;
    if (fd >= 0)
        close(fd);
}

static void program_run(void)
{
    static char text[1 << 14];
    static char *argv[MOST_ARGUMENTS + 1];

    arguments_read(text, sizeof text, argv);
    if (argv[0] != NULL)
        execv(argv[0], argv);
    perror(ARGUMENTS);
    _exit(127);
}

int main(void)
{
    int status = 127 << 8;

    mount("proc", "/proc", "proc", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    int port = port_open();
    if (port >= 0) {
        dup2(port, 1);
        dup2(port, 2);
    }
    dprintf(1, "first %lu\n", (unsigned long)first_tsc);
    modules_load();

    pid_t child = fork();
    if (child == 0)
        program_run();
    if (child < 0)
        perror("fork");
    else
        waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        dprintf(1, "signal %d\n", WTERMSIG(status));
    else
        dprintf(1, "exit %d\n", WEXITSTATUS(status));
    if (port >= 0)
        tcdrain(1);
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}
