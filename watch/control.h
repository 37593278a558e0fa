// SPDX-License-Identifier: MIT
/*
 * control.h - the page through which the guest is made to wait (kernel/mm/watch.h): at each fault, or in verify's moment.
 *
 * A guest that was not booted with the argument `watch` has none; nothing happens then.
 */
#ifndef WATCH_CONTROL_H
#define WATCH_CONTROL_H

#include "guest.h"
#include "message.h"

/* Whether there is a page, of our version. */
bool control_is_there(const struct guest *guest);

/* Of the guest's time-stamp counter; 0: not known. */
uint64_t control_ticks_per_second(const struct guest *guest);

/* Let every fault wait; let n of those that wait, or come, go on; let none wait any more. */
void control_step_begin(const struct guest *guest);
void control_step(const struct guest *guest, uint64_t faults);
void control_step_end(const struct guest *guest);

/* How many have been let on and are to go still; and the fault that waits. => false: none does */
uint64_t control_steps_left(const struct guest *guest);
bool control_held(const struct guest *guest, struct held *held);

/* Let verify wait in its moment. => the number of the moment that is now, or 0; and that it has been seen */
void control_hold_verify(const struct guest *guest, bool hold);
uint64_t control_verify_moment(const struct guest *guest);
void control_verify_seen(const struct guest *guest, uint64_t moment);

#endif
