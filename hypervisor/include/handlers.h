/* SPDX-License-Identifier: GPL-2.0-only */
/* Prototypes of all hypercall handlers, and the ABI's headers that they and the table need. */
#pragma once

#include <hypercall.h>
#include <public/froe_hypercall.h>
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

/* Linux asks for it by this number; the headers of Xen 4.17 do not have it yet. */
#define XENPF_get_dom0_console 64

#define GROUP(name, where)
#define ROW(op, type, way, who, handler) hypercall_fn handler;
#define END(name)
#include <hypercall_rows.h>
#undef GROUP
#undef ROW
#undef END
