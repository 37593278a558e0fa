# SPDX-License-Identifier: MIT
"""gdb command gaur-threads: what each thread that is off the CPUs is doing. Needs gaur.py, which is loaded before.

A thread that is off has its registers on its own stack, as arch/x86/context.S left them. They are put into the processor's for
the backtrace, and taken out again."""

import gdb

SAVED = ('r15', 'r14', 'r13', 'r12', 'rbx', 'rbp', 'rip')   # in the order in which they lie there, lowest first
KEPT = SAVED + ('rsp',)
STATES = {0: 'ready', 1: 'about to sleep', 2: 'asleep', 4: 'new', 8: 'dead'}
INTERRUPTIBLE = 16

def threads_of(process):
    """All threads of a process."""
    head = process['threads']
    link = head['next']
    while int(link) != int(head.address):
        yield contained(link, 'struct thread', 'in_process')
        link = link.dereference()['next']

def state_of(kthread):
    state = int(kthread['state'])
    text = STATES.get(state & ~INTERRUPTIBLE, f'state {state}')
    if state & INTERRUPTIBLE:
        text += ', for a signal too'
    return text + (f', on CPU {int(kthread["cpu"])}' if bool(kthread['on_cpu']) else f', last on CPU {int(kthread["cpu"])}')

class Registers:
    """With the registers of a thread that is off, as if it ran here."""

    def __init__(self, stack_pointer):
        words = read_words(stack_pointer, len(SAVED))
        self.wanted = dict(zip(SAVED, words), rsp=stack_pointer + 8 * len(SAVED))

    def __enter__(self):
        self.kept = {name: int(evaluate(f'(unsigned long)${name}')) for name in KEPT}
        self.set(self.wanted)

    def __exit__(self, *_):
        self.set(self.kept)

    @staticmethod
    def set(values):
        for name, value in values.items():
            gdb.execute(f'set ${name} = {value}')
        gdb.execute('maintenance flush register-cache', to_string=True)

def backtrace(kthread):
    """Without the frames of the switch itself, and of the program below the kernel."""
    with Registers(int(kthread['sp'])):
        lines = gdb.execute('backtrace 20', to_string=True).splitlines()
    for line in lines:
        if line.startswith('#') and ' ?? ()' not in line:
            print('  ' + line)

class ThreadsCommand(gdb.Command):
    """gaur-threads [PID]: each thread of all processes, or of one: its state, and where it sleeps or waits to run."""

    def __init__(self):
        super().__init__('gaur-threads', gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        wanted = address_of(argument) if argument.strip() else None
        for number, process in processes():
            if wanted in (None, number):
                self.show(number, process)

    def show(self, number, process):
        for thread in threads_of(process):
            kthread = thread['kthread']
            print(f'process {number} ({process["comm"].string()}), thread {int(thread["tid"]["number"])}: '
                  f'{state_of(kthread)}')
            if not bool(kthread['on_cpu']) and int(kthread['state']) & 4 == 0:
                backtrace(kthread)

ThreadsCommand()
