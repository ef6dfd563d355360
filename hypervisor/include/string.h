/* SPDX-License-Identifier: GPL-2.0-only */
/* The C library functions that the hypervisor uses, with their standard meaning. */
#pragma once

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t n);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
/* Copy at most n - 1 bytes, always terminate; returns strlen(from). n > 0. */
size_t strlcpy(char *to, const char *from, size_t n);

/*
 * C99 semantics for %% %c %s %d %u %x with flags "-0#+", width, a precision for %s (also '*'), and
 * the lengths l ll z. What is none of these ends the conversions: it and the rest are copied as
 * they stand. Returns the length that the whole text has. n may be 0.
 */
int vsnprintf(char *buf, size_t n, const char *fmt, va_list ap) __printf(3, 0);
int snprintf(char *buf, size_t n, const char *fmt, ...) __printf(3, 4);

/*
 * A number with an optional suffix K, M, G or T (binary), base 10 or 0x... hexadecimal. *end is set
 * behind what was read; nothing readable leaves *end at s. Values over 2^64-1 saturate.
 */
u64 parse_size(const char *s, const char **end);
