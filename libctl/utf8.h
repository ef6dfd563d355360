/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text for JSON. Names, messages and files may have any bytes; JSON is UTF-8.
 */
#pragma once

#include <stddef.h>

/* How many bytes of `s` are one character (RFC 3629), 0 if none. */
static inline size_t utf8_character(const unsigned char *s)
{
	size_t length = *s < 0x80   ? 1
	                : *s < 0xc2 ? 0
	                : *s < 0xe0 ? 2
	                : *s < 0xf0 ? 3
	                : *s < 0xf5 ? 4
	                            : 0;

	for (size_t i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than it has to be, half of a pair for UTF-16, or beyond the last character. */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return length;
}

/* What is not UTF-8 becomes ?, so that the whole stays JSON. */
static inline void utf8_clean(char *text)
{
	while (*text) {
		size_t length = utf8_character((const unsigned char *)text);

		if (!length)
			*text = '?';
		text += length ? length : 1;
	}
}
