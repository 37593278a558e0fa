// SPDX-License-Identifier: MIT
/*
 * hostio.h - three serial ports as byte-exact channels to the launcher.
 *
 * /dev/hostio     10,240  COM2: reads are the host's standard input, writes its standard output. Host to guest comes in
 *                         frames: two bytes length, little-endian, then the bytes; length 0 is end of file for ever.
 * /dev/hosterr    10,241  COM3: writes are the host's standard error.
 * /dev/hostctl    10,242  COM4: lines for the launcher: "exit STATUS", "panic MESSAGE".
 */
#ifndef DEV_HOSTIO_H
#define DEV_HOSTIO_H

void hostio_init_early(void);           // a panic is told on COM4
void hostio_init(void);                 // the nodes

#endif
