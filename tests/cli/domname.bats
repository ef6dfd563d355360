#!/usr/bin/env bats
# froe domname: the name of a domain.
load helpers

@test "domname: options and errors" {
	usual domname 1
	setup
	needs_guest domname
}

@test "domname: one line, the name" {
	froe domname 1
	[ "$status" -eq 0 ]
	[ "$output" = web1 ]
	froe domname 0
	[ "$output" = Domain-0 ]
	froe --json domname 3
	json 'j["items"] == [{"name": "db"}]'
}
