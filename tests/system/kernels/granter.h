/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guest `granter` and the control domain's program `grants` agree on. The guest grants
 * PAGES pages, the first of which is the mailbox: a request in it is answered in it.
 */
#ifndef GRANTER_H
#define GRANTER_H

#include <stdint.h>

#define FIRST_REF 64 /* page n is grant FIRST_REF + n */
#define PAGES     8
#define WORDS     1024 /* of a page */
#define READ_ONLY 7    /* this page is granted for reading */

/* What word i of page n holds at first. */
#define PATTERN(n, i) ((uint32_t)((n) << 16 | (i)))

enum request {
	NOTHING,
	PEEK, /* word `index` of page `page`: value */
	END,  /* end the grant of `page`: value 1, or 0 if it is in use */
	USE,  /* map grant `ref` of domain 0, value is its first word, the second becomes ~value */
};

struct mailbox {
	volatile uint32_t request, page, index, ref;
	volatile uint32_t value, status; /* status: of the hypercall for USE */
};

#endif
