/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TLB_MODEL_H
#define TLB_MODEL_H

void tlb_model_enter(CPUX86State *env, uint32_t asid, bool flush);
void tlb_model_flush_host(CPUX86State *env);
void tlb_model_flush_host_page(CPUX86State *env, uint64_t addr);
void tlb_model_host(CPUX86State *env, uint64_t addr, uint64_t frame, int prot, int access);
void tlb_model_nested(CPUX86State *env, uint64_t addr, uint64_t frame, int prot, int access);

#endif
