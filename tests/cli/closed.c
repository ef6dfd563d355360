/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a handle closes in the control domain and never opens in these tests.
 */
#include "hyper.h"
#include "wire.h"

void froe__store_close(struct froe *f)
{
}

void froe__hyper_close(struct froe *f)
{
}
