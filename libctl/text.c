/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * UUIDs: new ones, and as text.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include "internal.h"

void froe__uuid_make(uint8_t uuid[16])
{
	/* So few bytes always come as a whole (getrandom(2)). */
	(void)!getrandom(uuid, 16, 0);
	/* RFC 9562: version 4, variant 1. */
	uuid[6] = (uuid[6] & 0x0f) | 0x40;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

void froe_uuid_format(const uint8_t uuid[16], char text[FROE_UUID_TEXT])
{
	char *p = text;

	for (int i = 0; i < 16; i++)
		p += sprintf(p, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
}

/* Thirty-two digits; a hyphen may stand between any two bytes, as tools write them. */
bool froe_uuid_parse(const char *text, uint8_t uuid[16])
{
	uint8_t value[16];

	for (int i = 0; i < 16; i++) {
		if (i && *text == '-')
			text++;
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
			return false;
		sscanf(text, "%2hhx", &value[i]);
		text += 2;
	}
	if (*text)
		return false;
	memcpy(uuid, value, sizeof(value));
	return true;
}
