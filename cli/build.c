/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Building a guest in a way that a signal undoes.
 *
 * A guest that is half built belongs to nobody. So signals that would end this process are held
 * back until the guest is whole, and then it is destroyed if one came.
 */
#include <signal.h>
#include <stddef.h>
#include "build.h"

#define EXIT_INTERRUPTED 130

int build_guest(struct call *c, const struct froe_config *config, const struct froe_create *how,
                uint32_t *id)
{
	sigset_t hold, before, pending;
	int rc = 0;

	sigemptyset(&hold);
	sigaddset(&hold, SIGINT);
	sigaddset(&hold, SIGTERM);
	sigaddset(&hold, SIGHUP);
	sigprocmask(SIG_BLOCK, &hold, &before);
	if (froe_domain_create(c->froe, config, how, id))
		rc = call_failed_build(c, config->name);
	sigpending(&pending);
	if (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
	    sigismember(&pending, SIGHUP)) {
		if (!rc && froe_domain_destroy(c->froe, *id))
			call_failed(c, config->name);
		call_refuse(c, EXIT_INTERRUPTED, config->name, "interrupted", NULL,
		            "%s: interrupted, nothing is left of it", config->name);
		rc = EXIT_INTERRUPTED;
		/* It is taken care of; what follows is the orderly way out. */
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}
