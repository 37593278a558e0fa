// SPDX-License-Identifier: MIT
/*
 * rtc.c - the MC146818 clock chip of PCs.
 */
#include "arch/x86/rtc.h"

#include "arch/x86/io.h"
#include "lib/string.h"

#define PORT_INDEX        0x70
#define PORT_DATA         0x71
#define REG_STATUS_A      0x0a
#define REG_STATUS_B      0x0b
#define STATUS_A_UPDATING 0x80
#define STATUS_B_24_HOURS 0x02
#define STATUS_B_BINARY   0x04
#define HOUR_PM           0x80
#define TRIES             100000 // an update takes 2 ms; a missing chip never ends one

enum { SECOND, MINUTE, HOUR, DAY, MONTH, YEAR, FIELDS };

static const uint8_t field_registers[FIELDS] = {0x00, 0x02, 0x04, 0x07, 0x08, 0x09};

static uint8_t reg_read(uint8_t reg)
{
    outb(PORT_INDEX, reg);
    return inb(PORT_DATA);
}

static void read_fields(uint8_t fields[FIELDS])
{
    for (unsigned tries = 0; tries < TRIES && (reg_read(REG_STATUS_A) & STATUS_A_UPDATING); tries++)
        ;
    for (unsigned i = 0; i < FIELDS; i++)
        fields[i] = reg_read(field_registers[i]);
}

/* To binary numbers and 24 hours. */
static void decode(uint8_t fields[FIELDS])
{
    uint8_t status = reg_read(REG_STATUS_B);
    bool pm = !(status & STATUS_B_24_HOURS) && (fields[HOUR] & HOUR_PM);

    fields[HOUR] &= (uint8_t)~HOUR_PM;
    for (unsigned i = 0; i < FIELDS && !(status & STATUS_B_BINARY); i++)
        fields[i] = (uint8_t)((fields[i] >> 4) * 10 + (fields[i] & 15));
    if (!(status & STATUS_B_24_HOURS))
        fields[HOUR] = (uint8_t)(fields[HOUR] % 12 + (pm ? 12 : 0));
}

/* Days from 1970 to a date of the Gregorian calendar, years counted from March so that a leap day comes last. */
static uint64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
    unsigned y = month <= 2 ? year - 1 : year;
    unsigned m = month <= 2 ? month + 9 : month - 3;

    return 365ull * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

uint64_t rtc_read(void)
{
    uint8_t fields[FIELDS], again[FIELDS];

    read_fields(again);
    do { // two equal readings: no carry ran through the first
        memcpy(fields, again, sizeof(fields));
        read_fields(again);
    } while (memcmp(fields, again, sizeof(fields)) != 0);
    decode(fields);
    return ((days_since_1970(2000u + fields[YEAR], fields[MONTH], fields[DAY]) * 24 + fields[HOUR]) * 60 +
            fields[MINUTE]) *
               60 +
           fields[SECOND];
}
