#!/usr/bin/env bats
# froe restart-guest: what froed starts for a guest that wants to boot again.
load helpers

@test "restart-guest: options and errors" {
	usual restart-guest 1
	setup
	needs_guest restart-guest
	froe help
	[[ $output != *restart-guest* ]]
}

@test "restart-guest: the same guest again, with its UUID" {
	echo "domain id=4 name=new uuid=31234567-89ab-cdef-0123-456789abcdef flags=s reason=1 memory=0 vcpus=1 time=0" >>fake
	guest_file run/guest/4.cfg
	froe restart-guest 4
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
	log_is "destroy 4" "create new memory=67108864 vcpus=1"
}

@test "restart-guest: what is left is kept" {
	echo "domain id=4 name=new uuid=31234567-89ab-cdef-0123-456789abcdef flags=s reason=3 memory=0 vcpus=1 time=0" >>fake
	guest_file run/guest/4.cfg
	froe restart-guest 4 --keep
	[ "$status" -eq 0 ]
	log_is "set aside 4" "create new memory=67108864 vcpus=1"
}

@test "restart-guest: never one that runs, nor one without its file" {
	froe restart-guest 1
	[ "$status" -eq 1 ]
	froe restart-guest 0
	[ "$status" -eq 1 ]
	echo "domain id=4 name=new flags=s reason=1 memory=0 vcpus=1 time=0" >>fake
	froe restart-guest 4
	[ "$status" -eq 3 ]
	log_is
}
