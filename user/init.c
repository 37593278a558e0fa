// SPDX-License-Identifier: MIT
/*
 * init.c - the first process: run one program, tell the launcher how it ended, power off.
 *
 * The launcher lays its wishes into the root's folder /gaur:
 *   argv     the program's arguments, each ended by a NUL byte. Absent: a shell on the console
 *   exe      the file to execute, where argv[0] has to stay as the user typed it
 *   mode     "console": the program gets the terminal /dev/console and a session of its own
 *            "ports":   0 and 1 are /dev/hostio, 2 is /dev/hosterr: bytes as they are, no terminal
 *   term     TERM for the program
 *   winsize  rows and columns of the user's terminal
 *   swap     the disk to use as swap; it is made one if it is not
 *
 * The kernel's argument root=/dev/NAME makes an ext2 on that device the root ("ro": read-only); the archive that this program came in is
 * left behind, but for the wishes and the file to execute.
 *
 * To /dev/hostctl go the lines "start" (from now on the program may be given its input),
 * and then "exit N" or "signal N".
 *
 * Nothing here is fatal: with a device or file system missing, init does what it still can.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mark.h"

// Other paths are for trying init on another kernel.
#ifndef HOST_IN
#define HOST_IN  "/dev/hostio"
#define HOST_OUT "/dev/hostio"
#define HOST_ERR "/dev/hosterr"
#define HOST_CTL "/dev/hostctl"
#endif
#define CONSOLE  "/dev/console"
#define PATH     "/sbin:/usr/sbin:/bin:/usr/bin"

struct wish {
    char **argv;
    char *exe;      // what to execute; NULL: argv[0]
    int exe_file;   // the same, opened where the root will be another one; or -1
    bool ports;     // else the console
    bool login;     // the shell that nobody asked for by name
    char *term;
    struct winsize size;
};

/* Formats into one write, so that lines of several writers do not mix. */
static void say(int fd, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n > (int)sizeof line - 1)
        n = sizeof line - 1;
    if (write(fd, line, n) < 0)
        return; // there is nobody else to tell
}

/* The whole of a small file, ended by one more NUL byte; NULL if it cannot be read. */
static char *file_read(const char *path, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *data = NULL;
    size_t size = 0, capacity = 0;
    ssize_t n = 0;
    do {
        size += n;
        if (size + 1 >= capacity) {
            capacity = capacity ? 2 * capacity : 4096;
            data = realloc(data, capacity);
            if (!data)
                break;
        }
        n = read(fd, data + size, capacity - size - 1);
    } while (n > 0);
    close(fd);
    if (data)
        data[size] = '\0';
    if (length)
        *length = size;
    return data;
}

/* A file's first line without its end; NULL if there is none. */
static char *file_line(const char *path)
{
    char *text = file_read(path, NULL);
    if (text)
        text[strcspn(text, "\n")] = '\0';
    return text && *text ? text : NULL;
}

/* Splits NUL-ended strings; empty ones are arguments too. NULL if there are none. */
static char **argv_split(char *data, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += data[i] == '\0';
    char **argv = calloc(count + 1, sizeof *argv);
    if (!argv || count == 0)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        argv[i] = data;
        data += strlen(data) + 1;
    }
    return argv;
}

static void wish_read(struct wish *wish)
{
    static char *shell[] = {"-sh", NULL};
    size_t size = 0;
    char *data = file_read("/gaur/argv", &size);

    *wish = (struct wish){.exe = file_line("/gaur/exe"), .term = file_line("/gaur/term"), .exe_file = -1};
    wish->argv = data ? argv_split(data, size) : NULL;
    if (!wish->argv) {
        wish->argv = shell;
        wish->exe = "/bin/sh";
        wish->login = true;
    }
    char *mode = file_line("/gaur/mode");
    wish->ports = mode && strcmp(mode, "ports") == 0;

    char *winsize = file_line("/gaur/winsize");
    if (!winsize || sscanf(winsize, "%hu %hu", &wish->size.ws_row, &wish->size.ws_col) != 2)
        wish->size = (struct winsize){0};
}

/* What mkswap writes: a header in the first page, of version 1. */
static bool swap_header_write(const char *path)
{
    static unsigned char page[4096];
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    off_t size = lseek(fd, 0, SEEK_END);
    uint32_t header[] = {1, (uint32_t)(size / (off_t)sizeof page) - 1};

    memcpy(page + 1024, header, sizeof header);
    memcpy(page + sizeof page - 10, "SWAPSPACE2", 10);
    bool done = size > (off_t)sizeof page && pwrite(fd, page, sizeof page, 0) == sizeof page && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return done;
}

static void swap_take(void)
{
    char *path = file_line("/gaur/swap");

    if (!path || swapon(path, 0) == 0)
        return;
    if (errno != EINVAL || !swap_header_write(path) || swapon(path, 0) < 0)
        say(2, "init: no swap on %s: %s\n", path, strerror(errno));
}

static void file_system_mount(const char *type, const char *where)
{
    mkdir(where, 0755);
    if (mount(type, where, type, 0, NULL) < 0 && errno != EBUSY)
        say(2, "init: no %s on %s: %s\n", type, where, strerror(errno));
}

/* Where pseudo-terminals have their names; group 5 is tty, as mesg(1) and write(1) want it. */
static void terminals_mount(void)
{
    mkdir("/dev/pts", 0755);
    if (mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666") < 0 && errno != EBUSY)
        say(2, "init: no devpts on /dev/pts: %s\n", strerror(errno));
}

/* Where POSIX shared memory has its names. */
static void shared_memory_mount(void)
{
    mkdir("/dev/shm", 01777);
    if (mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0 && errno != EBUSY)
        say(2, "init: no tmpfs on /dev/shm: %s\n", strerror(errno));
}

static void mounts_make(void)
{
    file_system_mount("proc", "/proc");
    file_system_mount("sysfs", "/sys");
    file_system_mount("devtmpfs", "/dev");
    terminals_mount();
    shared_memory_mount();
}

/* The value of a kernel argument, "" for one without; NULL if it is not there. */
static char *argument_find(const char *name)
{
    char *line = file_line("/proc/cmdline"), *rest;

    for (char *word = line ? strtok_r(line, " ", &rest) : NULL; word; word = strtok_r(NULL, " ", &rest)) {
        size_t length = strcspn(word, "=");
        if (strlen(name) == length && strncmp(word, name, length) == 0)
            return word[length] ? word + length + 1 : word + length;
    }
    return NULL;
}

/* Goes to the root that the kernel's arguments name. => 0, or errno */
static int root_switch(const char *device)
{
    unsigned long flags = argument_find("ro") ? MS_RDONLY : 0;

    mkdir("/newroot", 0755);
    if (mount(device, "/newroot", "ext2", flags, NULL) < 0 || chdir("/newroot") < 0 || chroot(".") < 0)
        return errno;
    mounts_make();
    return 0;
}

/* Disks are left clean: what could not be unmounted can at least no longer be written to. */
static void disks_stop(void)
{
    char *rest, *text = file_read("/proc/mounts", NULL);

    for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest)) {
        char where[4096], type[16];
        if (sscanf(line, "%*s %4095s %15s", where, type) == 2 && strcmp(type, "ext2") == 0)
            mount("none", where, type, MS_REMOUNT | MS_RDONLY, NULL);
    }
}

/* Opens `path` as descriptor `fd`; keeps what is there, or takes /dev/null, if that fails. */
static void open_as(int fd, const char *path, int flags)
{
    int got = open(path, flags | O_NOCTTY);
    if (got < 0 && fcntl(fd, F_GETFD) < 0)
        got = open("/dev/null", O_RDWR);
    if (got < 0 || got == fd)
        return;
    dup2(got, fd);
    close(got);
}

static void ports_take(void)
{
    open_as(0, HOST_IN, O_RDONLY);
    open_as(1, HOST_OUT, O_WRONLY);
    open_as(2, HOST_ERR, O_WRONLY);
}

static void console_take(const struct winsize *size)
{
    open_as(0, CONSOLE, O_RDWR);
    dup2(0, 1);
    dup2(0, 2);
    ioctl(0, TIOCSCTTY, 0);
    if (size->ws_row)
        ioctl(0, TIOCSWINSZ, size);
}

/* Reads the name of the dynamic loader that an ELF file asks for; false if it asks for none. */
static bool elf_loader(const char *path, char *name, size_t size)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    bool found = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (pread(fd, &header, sizeof header, 0) == sizeof header && !memcmp(header.e_ident, ELFMAG, SELFMAG))
        for (int i = 0; i < header.e_phnum && !found; i++) {
            off_t at = header.e_phoff + (off_t)i * sizeof segment;
            if (pread(fd, &segment, sizeof segment, at) != sizeof segment)
                break;
            if (segment.p_type != PT_INTERP || segment.p_filesz == 0 || segment.p_filesz > size)
                continue;
            found = pread(fd, name, segment.p_filesz, segment.p_offset) == (ssize_t)segment.p_filesz;
            name[segment.p_filesz - 1] = '\0';
        }
    close(fd);
    return found;
}

/* The script's interpreter as its first line names it; false if `path` is no script. */
static bool script_interpreter(const char *path, char *name, size_t size)
{
    char *line = file_line(path);
    if (!line || strncmp(line, "#!", 2) != 0)
        return false;
    line += 2 + strspn(line + 2, " \t");
    snprintf(name, size, "%.*s", (int)strcspn(line, " \t"), line);
    return true;
}

/*
 * Says why `path` could not be executed, and ends with the status that a shell would give.
 */
static _Noreturn void exec_failed(const char *name, const char *path, int error)
{
    char needs[256];
    struct stat status;
    int code = 126;

    if (error == ENOENT && stat(path, &status) == 0) {
        code = 127;
        if (elf_loader(path, needs, sizeof needs))
            say(2, "gaur: %s: needs the loader %s, which is not in the guest; link the program with -static\n",
                name, needs);
        else if (script_interpreter(path, needs, sizeof needs))
            say(2, "gaur: %s: %s: bad interpreter: not found in the guest\n", name, needs);
        else
            say(2, "gaur: %s: something that it needs was not found\n", name);
    } else if (error == ENOENT || error == ENOTDIR) {
        code = 127;
        say(2, "gaur: %s: not found\n", name);
    } else if (error == EACCES && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        say(2, "gaur: %s: is a folder\n", name);
    } else if (error == ENOEXEC) {
        say(2, "gaur: %s: Exec format error: no program that this kernel can run\n", name);
    } else {
        say(2, "gaur: %s: %s\n", name, strerror(error));
    }
    _exit(code);
}

/* Tries each folder of PATH in turn, as a shell does. */
static _Noreturn void exec_by_name(char **argv)
{
    char path[4096], denied[4096] = "";
    for (const char *dir = PATH; *dir; dir += strspn(dir, ":")) {
        int length = strcspn(dir, ":");
        snprintf(path, sizeof path, "%.*s/%s", length, dir, argv[0]);
        dir += length;
        execv(path, argv);
        if (errno == EACCES)
            memcpy(denied, path, sizeof denied);
        else if (errno != ENOENT && errno != ENOTDIR)
            exec_failed(argv[0], path, errno);
        else if (access(path, F_OK) == 0)
            exec_failed(argv[0], path, ENOENT);
    }
    exec_failed(argv[0], *denied ? denied : argv[0], *denied ? EACCES : ENOENT);
}

static _Noreturn void program_run(const struct wish *wish)
{
    setsid();
    if (wish->ports)
        ports_take();
    else
        console_take(&wish->size);

    setenv("PATH", PATH, 1);
    setenv("HOME", "/root", 1);
    setenv("TERM", wish->term ? wish->term : "linux", 1);
    if (wish->login && isatty(0))
        say(1, "\nThis is a BusyBox shell on Gaur. `exit` leaves, and powers the machine off.\n");

    char **argv = wish->argv;
    const char *path = wish->exe ? wish->exe : argv[0];
    if (!wish->exe && !strchr(path, '/'))
        exec_by_name(argv);
    if (wish->exe_file >= 0)
        fexecve(wish->exe_file, argv, environ);
    execv(path, argv);
    exec_failed(argv[0], path, errno);
}

/* Waits for `child`; every other process that ends meanwhile is an orphan, and is reaped. */
static int child_wait(pid_t child)
{
    for (;;) {
        int status;
        pid_t pid = wait(&status);
        if (pid == child)
            return status;
        if (pid < 0 && errno != EINTR)
            return -1;
    }
}

/* Runs what is wished. => as wait(2) says how it ended; -1: it did not begin */
static int program_wait(const struct wish *wish)
{
    pid_t child = fork();

    if (child == 0)
        program_run(wish);
    if (child < 0)
        say(2, "init: fork: %s\n", strerror(errno));
    return child < 0 ? -1 : child_wait(child);
}

static void status_report(int control, int status)
{
    if (status < 0)
        say(control, "lost\n");
    else if (WIFSIGNALED(status))
        say(control, "signal %d\n", WTERMSIG(status));
    else
        say(control, "exit %d\n", WEXITSTATUS(status));
}

int main(void)
{
    open_as(0, CONSOLE, O_RDWR);
    open_as(1, CONSOLE, O_RDWR);
    open_as(2, CONSOLE, O_RDWR);
    mounts_make();
    struct wish wish;
    wish_read(&wish);
    swap_take();
    char *root = argument_find("root");
    if (root && wish.exe)
        wish.exe_file = open(wish.exe, O_PATH | O_CLOEXEC);
    int error = root ? root_switch(root) : 0;
    // Once more: the root may have come without device nodes.
    for (int fd = 0; fd < 3; fd++)
        open_as(fd, CONSOLE, O_RDWR);

    int control = open(HOST_CTL, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (control < 0)
        control = 2;
    if (error)
        say(control, "panic the root %s cannot be mounted: %s\n", root, strerror(error));
    else
        say(control, "start\n");

    MARK_PROGRAM_BEGIN();
    int status = error ? -1 : program_wait(&wish);
    MARK_PROGRAM_END();

    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    disks_stop();
    sync();
    status_report(control, status);
    close(control);
    reboot(RB_POWER_OFF);
    say(2, "init: the machine does not power off: %s\n", strerror(errno));
    for (;;)
        pause();
}
