/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asking guests to end. All are asked first, and then waited for: they go down side by side.
 */
#include <stdlib.h>
#include "output.h"
#include "request.h"

/* How long a guest may take to read its request, if nobody says otherwise. */
#define TAKEN_MS 60000

const struct cmd_option request_options[] = {
	{ 'a', "all", NULL, "All guests" },
	{ 'w', "wait", NULL, "Wait until it has ended; twice: until it is gone from the list" },
	{ 'F', NULL, NULL, "Accepted for xl's sake; PVH guests have no other way" },
	{ 0 },
};

static const struct column columns[] = {
	{ .key = "domid", .get = domain_cell_id },
	{ .key = "name", .get = domain_cell_name },
	{ 0 },
};

static int ask(struct call *c, const struct froe_domain *d, const char *what, const char *doing)
{
	const char *name = domain_name(d);

	if (!d->id)
		return call_refuse(c, FROE_FAIL, "0", "refused",
		                   "poweroff in the control domain ends the machine",
		                   "%s: the control domain is not a guest", name);
	if (d->flags & (FROE_SHUTDOWN | FROE_DYING))
		return call_refuse(c, FROE_EXISTS, name, "already", NULL, "%s: has ended already",
		                   name);
	if (d->flags & FROE_PAUSED)
		return call_refuse(c, FROE_UNCOOPERATIVE, name, "paused",
		                   "froe unpause lets it run, froe destroy ends it",
		                   "%s: is paused and cannot do it", name);
	call_say(c, "%s domain %u", doing, d->id);
	return froe_domain_request(c->froe, d->id, what) ? call_failed(c, name) : 0;
}

/* A guest that is gone by now has done what it was asked for. */
static int wait_for(struct call *c, const struct froe_domain *d)
{
	const char *name = domain_name(d);
	int ms = c->timeout_ms;

	if (froe_domain_wait(c->froe, d->id, FROE_WAIT_TAKEN,
	                     ms < 0 || ms > TAKEN_MS ? TAKEN_MS : ms)) {
		if (froe_code(c->froe) == FROE_NOT_FOUND)
			return 0;
		if (froe_code(c->froe) == FROE_TIMEOUT)
			return call_refuse(c, FROE_UNCOOPERATIVE, name, "uncooperative",
			                   "froe console shows what it does, froe destroy ends it",
			                   "%s: does not take the request", name);
		return call_failed(c, name);
	}
	if (!call_has(c, 'w'))
		return 0;
	if (froe_domain_wait(c->froe, d->id,
	                     c->option['w'].times > 1 ? FROE_WAIT_GONE : FROE_WAIT_SHUTDOWN, ms) &&
	    froe_code(c->froe) != FROE_NOT_FOUND)
		return call_failed(c, name);
	call_say(c, "Domain %u has ended", d->id);
	return 0;
}

static int request_list(struct call *c, struct froe_domain *d, size_t count, const char *what,
                        const char *doing)
{
	size_t asked = 0;

	output_begin(c, columns);
	for (size_t i = 0; i < count; i++)
		if (!ask(c, &d[i], what, doing))
			d[asked++] = d[i];
	if (call_has(c, 'w'))
		call_say(c, "Waiting for %zu domains", asked);
	for (size_t i = 0; i < asked; i++)
		if (!wait_for(c, &d[i]))
			output_row(c, &d[i]);
	return 0;
}

/* The guests that can be asked; what ends already is not a mistake here. */
static size_t only_guests(struct froe_domain *d, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (d[i].id && !(d[i].flags & (FROE_SHUTDOWN | FROE_DYING)))
			d[n++] = d[i];
	return n;
}

int request_run(struct call *c, const char *what, const char *doing)
{
	struct froe_domain *d;
	size_t count;
	int rc;

	if (call_has(c, 'a') == (c->args > 0))
		return call_refuse(c, FROE_USAGE, NULL, "usage", NULL,
		                   "either -a or the names of guests");
	if (!domain_find_all(c, domain_find_to_act, &d, &count))
		return 0;
	if (call_has(c, 'a'))
		count = only_guests(d, count);
	rc = request_list(c, d, count, what, doing);
	free(d);
	return rc;
}
