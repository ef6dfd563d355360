#!/usr/bin/env bats
# froe domid: the number of a domain.
load helpers

@test "domid: options and errors" {
	usual domid x
	setup
	needs_guest domid
}

@test "domid: one line, the number" {
	froe domid web1
	[ "$status" -eq 0 ]
	[ "$output" = 1 ]
	froe domid 11234567-89ab-cdef-0123-456789abcdef
	[ "$output" = 3 ]
	froe domid web1 db
	[ "$status" -eq 2 ]
	froe --json domid web1
	json 'j["items"] == [{"domid": 1}]'
}
