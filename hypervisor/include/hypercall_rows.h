/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypercall table: what a guest can ask for, one row a call and sub-operation. Whoever includes
 * it defines GROUP, ROW and END first; it has no guard because it is meant to be included again.
 *
 * GROUP(name, where): calls under __HYPERVISOR_<name>. `where` says which argument register points
 *	at the structure (0-4), NO_POINTER, OF_VCPU: register 1 is the number of a vCPU of the
 *	caller's domain and register 2 the pointer, or HEADED: register 0 points at a structure that
 *	begins with the sub-operation and the version of the interface.
 * ROW(op, type, way, who, handler): the structure that the dispatcher copies IN before the handler
 *	runs, OUT after it has not failed, IN_OUT or NONE. who: ANY, TARGET (on itself; on other
 *	domains only the control domain), CONTROL, or of HEADED ones OTHER: the control domain,
 *	about another domain, which the structure names. A number without a row is -ENOSYS.
 * QUIET(op, type, way, who): a row whose call succeeds and does nothing.
 */
/* clang-format off */
#ifndef QUIET
#define QUIET(op, type, way, who) ROW(op, type, way, who, do_nothing)
#endif

GROUP(platform_op, HEADED)
ROW(XENPF_settime32, xen_platform_op_t, IN, CONTROL, do_platform_settime32)
ROW(XENPF_get_cpuinfo, xen_platform_op_t, IN_OUT, CONTROL, do_platform_get_cpuinfo)
ROW(XENPF_settime64, xen_platform_op_t, IN, CONTROL, do_platform_settime64)
ROW(XENPF_get_dom0_console, xen_platform_op_t, IN_OUT, CONTROL, do_platform_get_dom0_console)
END(platform_op)

GROUP(memory_op, 1)
ROW(XENMEM_decrease_reservation, xen_memory_reservation_t, IN, TARGET,
    do_memory_decrease_reservation)
ROW(XENMEM_maximum_ram_page, char, NONE, ANY, do_memory_maximum_ram_page)
ROW(XENMEM_current_reservation, domid_t, IN, TARGET, do_memory_current_reservation)
ROW(XENMEM_maximum_reservation, domid_t, IN, TARGET, do_memory_maximum_reservation)
ROW(XENMEM_populate_physmap, xen_memory_reservation_t, IN, TARGET, do_memory_populate_physmap)
ROW(XENMEM_add_to_physmap, xen_add_to_physmap_t, IN, TARGET, do_memory_add_to_physmap)
ROW(XENMEM_memory_map, xen_memory_map_t, IN_OUT, ANY, do_memory_memory_map)
ROW(XENMEM_set_memory_map, xen_foreign_memory_map_t, IN, CONTROL, do_memory_set_memory_map)
ROW(XENMEM_maximum_gpfn, domid_t, IN, TARGET, do_memory_maximum_gpfn)
ROW(XENMEM_remove_from_physmap, xen_remove_from_physmap_t, IN, TARGET,
    do_memory_remove_from_physmap)
ROW(XENMEM_set_pod_target, xen_pod_target_t, IN_OUT, CONTROL, do_memory_set_pod_target)
ROW(XENMEM_add_to_physmap_batch, xen_add_to_physmap_batch_t, IN, TARGET,
    do_memory_add_to_physmap_batch)
ROW(XENMEM_claim_pages, xen_memory_reservation_t, IN, CONTROL, do_memory_claim_pages)
ROW(XENMEM_get_vnumainfo, char, NONE, ANY, do_memory_get_vnumainfo)
ROW(XENMEM_acquire_resource, xen_mem_acquire_resource_t, IN_OUT, CONTROL,
    do_memory_acquire_resource)
END(memory_op)

GROUP(multicall, NO_POINTER)
ROW(0, char, NONE, ANY, do_multicall)
END(multicall)

GROUP(xen_version, 1)
ROW(XENVER_version, char, NONE, ANY, do_version_version)
ROW(XENVER_extraversion, xen_extraversion_t, OUT, ANY, do_version_extraversion)
ROW(XENVER_compile_info, xen_compile_info_t, OUT, ANY, do_version_compile_info)
ROW(XENVER_capabilities, xen_capabilities_info_t, OUT, ANY, do_version_capabilities)
QUIET(XENVER_changeset, xen_changeset_info_t, OUT, ANY)
/* Where a PV guest would find the hypervisor in its address space: nowhere. */
QUIET(XENVER_platform_parameters, xen_platform_parameters_t, OUT, ANY)
ROW(XENVER_get_features, xen_feature_info_t, IN_OUT, ANY, do_version_get_features)
ROW(XENVER_pagesize, char, NONE, ANY, do_version_pagesize)
ROW(XENVER_guest_handle, xen_domain_handle_t, OUT, ANY, do_version_guest_handle)
ROW(XENVER_commandline, xen_commandline_t, OUT, ANY, do_version_commandline)
ROW(XENVER_build_id, char, NONE, ANY, do_version_build_id)
END(xen_version)

GROUP(console_io, NO_POINTER)
ROW(CONSOLEIO_write, char, NONE, ANY, do_console_write)
ROW(CONSOLEIO_read, char, NONE, CONTROL, do_console_read)
END(console_io)

GROUP(grant_table_op, 1)
ROW(GNTTABOP_map_grant_ref, char, NONE, ANY, do_grant_map)
ROW(GNTTABOP_unmap_grant_ref, char, NONE, ANY, do_grant_unmap)
ROW(GNTTABOP_setup_table, gnttab_setup_table_t, IN_OUT, TARGET, do_grant_setup_table)
ROW(GNTTABOP_copy, char, NONE, ANY, do_grant_copy)
ROW(GNTTABOP_query_size, gnttab_query_size_t, IN_OUT, TARGET, do_grant_query_size)
ROW(GNTTABOP_set_version, gnttab_set_version_t, IN_OUT, ANY, do_grant_set_version)
ROW(GNTTABOP_get_version, gnttab_get_version_t, IN_OUT, TARGET, do_grant_get_version)
END(grant_table_op)

GROUP(vm_assist, NO_POINTER)
ROW(VMASST_CMD_enable, char, NONE, ANY, do_vm_assist_enable)
ROW(VMASST_CMD_disable, char, NONE, ANY, do_vm_assist_disable)
END(vm_assist)

GROUP(vcpu_op, OF_VCPU)
ROW(VCPUOP_up, char, NONE, ANY, do_vcpu_up)
ROW(VCPUOP_is_up, char, NONE, ANY, do_vcpu_is_up)
ROW(VCPUOP_get_runstate_info, vcpu_runstate_info_t, OUT, ANY, do_vcpu_get_runstate_info)
ROW(VCPUOP_register_runstate_memory_area, vcpu_register_runstate_memory_area_t, IN, ANY,
    do_vcpu_register_runstate)
/* There is no periodic timer to stop; every kernel stops it all the same. */
QUIET(VCPUOP_stop_periodic_timer, char, NONE, ANY)
ROW(VCPUOP_set_singleshot_timer, vcpu_set_singleshot_timer_t, IN, ANY,
    do_vcpu_set_singleshot_timer)
ROW(VCPUOP_stop_singleshot_timer, char, NONE, ANY, do_vcpu_stop_singleshot_timer)
ROW(VCPUOP_register_vcpu_info, vcpu_register_vcpu_info_t, IN, ANY, do_vcpu_register_info)
ROW(VCPUOP_register_vcpu_time_memory_area, vcpu_register_time_memory_area_t, IN, ANY,
    do_vcpu_register_time)
END(vcpu_op)

GROUP(sched_op, 1)
ROW(SCHEDOP_yield, char, NONE, ANY, do_sched_yield)
ROW(SCHEDOP_block, char, NONE, ANY, do_sched_block)
ROW(SCHEDOP_shutdown, sched_shutdown_t, IN, ANY, do_sched_shutdown)
ROW(SCHEDOP_poll, sched_poll_t, IN, ANY, do_sched_poll)
ROW(SCHEDOP_remote_shutdown, sched_remote_shutdown_t, IN, CONTROL, do_sched_remote_shutdown)
ROW(SCHEDOP_shutdown_code, sched_shutdown_t, IN, ANY, do_sched_shutdown_code)
ROW(SCHEDOP_watchdog, sched_watchdog_t, IN, ANY, do_sched_watchdog)
END(sched_op)

GROUP(event_channel_op, 1)
ROW(EVTCHNOP_bind_interdomain, evtchn_bind_interdomain_t, IN_OUT, ANY, do_event_bind_interdomain)
ROW(EVTCHNOP_bind_virq, evtchn_bind_virq_t, IN_OUT, ANY, do_event_bind_virq)
ROW(EVTCHNOP_close, evtchn_close_t, IN, ANY, do_event_close)
ROW(EVTCHNOP_send, evtchn_send_t, IN, ANY, do_event_send)
ROW(EVTCHNOP_status, evtchn_status_t, IN_OUT, TARGET, do_event_status)
ROW(EVTCHNOP_alloc_unbound, evtchn_alloc_unbound_t, IN_OUT, TARGET, do_event_alloc_unbound)
ROW(EVTCHNOP_bind_ipi, evtchn_bind_ipi_t, IN_OUT, ANY, do_event_bind_ipi)
ROW(EVTCHNOP_bind_vcpu, evtchn_bind_vcpu_t, IN, ANY, do_event_bind_vcpu)
ROW(EVTCHNOP_unmask, evtchn_unmask_t, IN, ANY, do_event_unmask)
ROW(EVTCHNOP_reset, evtchn_reset_t, IN, TARGET, do_event_reset)
END(event_channel_op)

/*
 * Devices and the configuration space that the control domain announces. It drives them itself and
 * none of them is given to guests, so there is nothing to remember.
 */
GROUP(physdev_op, 1)
QUIET(PHYSDEVOP_manage_pci_add, physdev_manage_pci_t, IN, CONTROL)
QUIET(PHYSDEVOP_manage_pci_remove, physdev_manage_pci_t, IN, CONTROL)
QUIET(PHYSDEVOP_manage_pci_add_ext, physdev_manage_pci_ext_t, IN, CONTROL)
QUIET(PHYSDEVOP_pci_mmcfg_reserved, physdev_pci_mmcfg_reserved_t, IN, CONTROL)
QUIET(PHYSDEVOP_pci_device_add, physdev_pci_device_add_t, IN, CONTROL)
QUIET(PHYSDEVOP_pci_device_remove, physdev_pci_device_t, IN, CONTROL)
END(physdev_op)

GROUP(hvm_op, 1)
ROW(HVMOP_set_param, xen_hvm_param_t, IN, TARGET, do_hvm_set_param)
ROW(HVMOP_get_param, xen_hvm_param_t, IN_OUT, TARGET, do_hvm_get_param)
ROW(HVMOP_set_evtchn_upcall_vector, xen_hvm_evtchn_upcall_vector_t, IN, ANY,
    do_hvm_set_evtchn_upcall_vector)
END(hvm_op)

GROUP(sysctl, HEADED)
ROW(XEN_SYSCTL_readconsole, xen_sysctl_t, IN_OUT, CONTROL, do_sysctl_readconsole)
ROW(XEN_SYSCTL_physinfo, xen_sysctl_t, IN_OUT, CONTROL, do_sysctl_physinfo)
ROW(XEN_SYSCTL_sched_id, xen_sysctl_t, IN_OUT, CONTROL, do_sysctl_sched_id)
ROW(XEN_SYSCTL_getdomaininfolist, xen_sysctl_t, IN_OUT, CONTROL, do_sysctl_getdomaininfolist)
ROW(XEN_SYSCTL_cputopoinfo, xen_sysctl_t, IN_OUT, CONTROL, do_sysctl_cputopoinfo)
ROW(XEN_SYSCTL_numainfo, xen_sysctl_t, IN_OUT, CONTROL, do_sysctl_numainfo)
ROW(XEN_SYSCTL_cpupool_op, xen_sysctl_t, IN_OUT, CONTROL, do_sysctl_cpupool_op)
ROW(XEN_SYSCTL_scheduler_op, xen_sysctl_t, IN_OUT, CONTROL, do_sysctl_scheduler_op)
END(sysctl)

GROUP(domctl, HEADED)
ROW(XEN_DOMCTL_createdomain, xen_domctl_t, IN_OUT, CONTROL, do_domctl_createdomain)
ROW(XEN_DOMCTL_destroydomain, xen_domctl_t, IN, OTHER, do_domctl_destroydomain)
ROW(XEN_DOMCTL_pausedomain, xen_domctl_t, IN, OTHER, do_domctl_pausedomain)
ROW(XEN_DOMCTL_unpausedomain, xen_domctl_t, IN, OTHER, do_domctl_unpausedomain)
ROW(XEN_DOMCTL_getdomaininfo, xen_domctl_t, IN_OUT, CONTROL, do_domctl_getdomaininfo)
ROW(XEN_DOMCTL_setvcpuaffinity, xen_domctl_t, IN, ANYONE, do_domctl_setvcpuaffinity)
ROW(XEN_DOMCTL_max_mem, xen_domctl_t, IN, OTHER, do_domctl_max_mem)
ROW(XEN_DOMCTL_getvcpuinfo, xen_domctl_t, IN_OUT, ANYONE, do_domctl_getvcpuinfo)
ROW(XEN_DOMCTL_max_vcpus, xen_domctl_t, IN, OTHER, do_domctl_max_vcpus)
ROW(XEN_DOMCTL_scheduler_op, xen_domctl_t, IN_OUT, ANYONE, do_domctl_scheduler_op)
ROW(XEN_DOMCTL_setdomainhandle, xen_domctl_t, IN, ANYONE, do_domctl_setdomainhandle)
ROW(XEN_DOMCTL_settimeoffset, xen_domctl_t, IN, ANYONE, do_domctl_settimeoffset)
ROW(XEN_DOMCTL_getvcpuaffinity, xen_domctl_t, IN, ANYONE, do_domctl_getvcpuaffinity)
ROW(XEN_DOMCTL_sendtrigger, xen_domctl_t, IN, ANYONE, do_domctl_sendtrigger)
ROW(XEN_DOMCTL_sethvmcontext, xen_domctl_t, IN, OTHER, do_domctl_sethvmcontext)
ROW(XEN_DOMCTL_get_address_size, xen_domctl_t, IN_OUT, ANYONE, do_domctl_get_address_size)
ROW(XEN_DOMCTL_gettscinfo, xen_domctl_t, IN_OUT, ANYONE, do_domctl_gettscinfo)
ROW(XEN_DOMCTL_settscinfo, xen_domctl_t, IN, OTHER, do_domctl_settscinfo)
ROW(XEN_DOMCTL_get_paging_mempool_size, xen_domctl_t, IN_OUT, OTHER,
    do_domctl_get_paging_mempool_size)
ROW(XEN_DOMCTL_set_paging_mempool_size, xen_domctl_t, IN, OTHER,
    do_domctl_set_paging_mempool_size)
END(domctl)

GROUP(arch_7, 1)
ROW(FROE_OP_copy, froe_copy_t, IN, CONTROL, do_froe_copy)
END(arch_7)
/* clang-format on */
