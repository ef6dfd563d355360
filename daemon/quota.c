// SPDX-License-Identifier: GPL-2.0-only
/* What each domain owns in the store, and how much it may. */
#include "store.h"

#include <errno.h>
#include <string.h>

struct account {
	int64_t bytes;
	int nodes;
};

/* One chunk serves 256 domains, of which most never are at the same time. */
enum {
	CHUNK = 256
};
static struct account *chunks[DOMAINS_MAX / CHUNK + 1];

static struct account *account(uint16_t domid)
{
	struct account **chunk = &chunks[domid / CHUNK];

	if (!*chunk)
		*chunk = xcalloc(CHUNK * sizeof(**chunk));
	return &(*chunk)[domid % CHUNK];
}

int quota_nodes(uint16_t domid, int nodes, uint32_t bytes)
{
	const struct account *a = account(domid);

	if (domid == 0)
		return 0;
	return (nodes > 0 && a->nodes + nodes > QUOTA_NODES) ||
	                       (bytes && a->bytes + bytes > QUOTA_BYTES)
	               ? -ENOSPC
	               : 0;
}

void quota_account(uint16_t domid, int nodes, int64_t bytes)
{
	struct account *a = account(domid);

	a->nodes += nodes;
	a->bytes += bytes;
}

void quota_forget(uint16_t domid)
{
	static const struct account none[CHUNK];
	struct account **chunk = &chunks[domid / CHUNK];

	*account(domid) = none[0];
	/* Numbers of domains only grow, so what was for the last 256 goes with the last of them. */
	if (!memcmp(*chunk, none, sizeof(none))) {
		free(*chunk);
		*chunk = NULL;
	}
}
