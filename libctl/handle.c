/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The handle, and the last error in it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hyper.h"
#include "wire.h"

static const char *const ids[] = {
	[FROE_OK] = "ok",
	[FROE_FAIL] = "failed",
	[FROE_USAGE] = "usage",
	[FROE_BUILD] = "build-failed",
	[FROE_INVALID] = "invalid",
	[FROE_NOT_FOUND] = "not-found",
	[FROE_EXISTS] = "exists",
	[FROE_UNREACHABLE] = "unreachable",
	[FROE_TIMEOUT] = "timeout",
	[FROE_NO_CAPACITY] = "no-capacity",
	[FROE_UNCOOPERATIVE] = "uncooperative",
};

struct froe *froe_open(void)
{
	return calloc(1, sizeof(struct froe));
}

void froe_close(struct froe *f)
{
	if (!f)
		return;
	froe__store_close(f);
	froe__hyper_close(f);
	free(f);
}

int froe__fail(struct froe *f, enum froe_code code, const char *hint, const char *fmt, ...)
{
	char text[sizeof(f->error)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* A message is one line, whatever names and files brought into it. */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	f->code = code;
	f->id = ids[code];
	memcpy(f->error, text, sizeof(text));
	if (hint != f->hint)
		snprintf(f->hint, sizeof(f->hint), "%s", hint ? hint : "");
	return -1;
}

int froe__no_domain(struct froe *f, const char *what)
{
	froe__fail(f, FROE_NOT_FOUND, "froe list shows the guests that there are", "no domain '%s'",
	           what);
	f->id = "no-such-domain";
	return -1;
}

void froe__copy_error(struct froe *f, const struct froe *from)
{
	f->code = from->code;
	f->id = from->id;
	memcpy(f->error, from->error, sizeof(f->error));
	memcpy(f->hint, from->hint, sizeof(f->hint));
}

int froe__nomem(struct froe *f)
{
	return froe__fail(f, FROE_FAIL, "", "out of memory");
}

enum froe_code froe_code(const struct froe *f)
{
	return f->code;
}

const char *froe_error(const struct froe *f)
{
	return f->error;
}

const char *froe_hint(const struct froe *f)
{
	return f->hint;
}

const char *froe_error_id(const struct froe *f)
{
	return f->id ? f->id : "ok";
}

const char *froe_version(void)
{
	return "1.0";
}
